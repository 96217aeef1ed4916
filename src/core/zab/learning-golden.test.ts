// Replays what leaders of Apache ZooKeeper sent, byte for byte, and compares what our learner
// answers with what Apache's learner answered. What the captured learner sent of its own accord (its
// clients' requests) is asked of ours at the same place. ACKs are compared among themselves, since
// they leave when a disk is ready; so is every other kind of packet.

import { describe, expect, test } from 'vitest'

import { goldenVersions } from '../../../test/support/golden-data.ts'
import { type CapturedPacket, quorumPackets, zxidText } from '../../../test/support/golden-wire.ts'
import { SmallLearnerHost } from '../../../test/support/learner-host.ts'
import { toHex } from '../../base/text.ts'
import { epochOf, ZXID_NONE, ZXID_ZERO } from '../../base/zxid.ts'
import { JuteReader } from '../jute/reader.ts'
import { type QuorumPacket, readLearnerInfo, readPacket } from '../records/quorum-packet.ts'
import { Learning } from './learning.ts'
import { NO_FAULTS } from './zab-faults.ts'

/** One connection from its first packet to its last, over as many scenarios as it lasted. */
interface Conversation {
  readonly name: string
  readonly packets: readonly CapturedPacket[]
}

const timing = { tickMs: 1000, initLimit: 10, syncLimit: 5, connectLimit: 0, connectRetryMs: 100 }

describe.each(goldenVersions)('leaders of ZooKeeper %s', (version) => {
  test.each(conversations(version))('$name', ({ packets }) => {
    const { host, learning } = beginning(packets)
    const isVoter = packets[0]!.kind === 'FOLLOWERINFO'
    learning.start()
    learning.linkOpened(-1)
    host.collect()
    const next = nextAnswers(packets)
    for (const captured of packets) {
      if (captured.side === 'leader') {
        if (captured.kind === 'PING') host.touches = next(captured)
        learning.linkBytes(-1, captured.bytes)
        host.collect()
        host.finishAll(learning)
      } else if (captured.kind === 'REQUEST' && host.left === null) {
        forward(learning, read(captured.bytes))
      } else if (captured.kind === 'REVALIDATE' && host.left === null) {
        const packet = read(captured.bytes)
        const reader = new JuteReader(packet.bytes, packet.start, packet.end)
        learning.revalidate(reader.long(), reader.int())
      }
      host.collect()
    }

    expect(host.left).toBe(
      isVoter || packets.at(-1)!.kind !== 'INFORMANDACTIVATE'
        ? null
        : 'the ensemble was reconfigured',
    )
    const ours = host.sent.map(({ name, bytes }) => `${name} ${toHex(bytes)}`)
    const theirs = packets
      .filter((packet) => packet.side === 'learner' && !isLateAck(packets, packet))
      .map(({ kind, bytes }) => `${kind} ${toHex(bytes)}`)
    const isAck = (line: string): boolean => line.startsWith('ACK ')
    expect(ours.filter(isAck)).toEqual(theirs.filter(isAck))
    expect(ours.filter((line) => !isAck(line))).toEqual(theirs.filter((line) => !isAck(line)))

    const stream = packets.find(({ kind }) => kind === 'SNAPSHOT-STREAM')
    if (stream !== undefined) expect(toHex(host.streamed)).toBe(toHex(stream.bytes))
    const told = packets
      .filter(({ side, kind }) => side === 'leader' && /^(PROPOSAL|INFORM)/.test(kind))
      .map(({ fields }) => fields.zxid)
    const held = host.database.map(zxidText)
    expect(held.slice(held.length - told.length)).toEqual(told)
    expect(learning.phase).toBe(host.left === null ? 'broadcast' : 'discovery')
  })

  test('some followed, some observed; some by DIFF, some by TRUNC, some by SNAP', () => {
    const kinds = new Set(
      conversations(version).flatMap(({ packets }) => packets.map((p) => p.kind)),
    )
    for (const kind of ['DIFF', 'TRUNC', 'SNAP', 'OBSERVERINFO', 'INFORMANDACTIVATE']) {
      expect(kinds).toContain(kind)
    }
    expect(conversations(version).length).toBeGreaterThan(15)
  })
})

/** Those that were captured from their beginning. */
function conversations(version: string): Conversation[] {
  const open = new Map<string, CapturedPacket[]>()
  for (const packet of quorumPackets(version)) {
    const ensemble = Number(packet.scenario.slice(0, 2)) <= 10 ? 'one' : packet.scenario
    const key = `${ensemble} ${packet.connection}`
    const known = open.get(key)
    if (known !== undefined) known.push(packet)
    else if (/^(FOLLOWER|OBSERVER)INFO$/.test(packet.kind)) open.set(key, [packet])
  }
  return [...open.values()].map((packets) => {
    const { scenario, connection, learner, leader } = packets[0]!
    return { name: `${scenario}: ${learner} with ${leader}, connection ${connection}`, packets }
  })
}

/** The server as it must have been before: what it said of itself tells. */
function beginning(packets: readonly CapturedPacket[]): {
  readonly host: SmallLearnerHost
  readonly learning: Learning
} {
  const [first] = packets as [CapturedPacket, ...CapturedPacket[]]
  const info = read(first.bytes)
  const { configVersion } = readLearnerInfo(info, new JuteReader(info.bytes))!
  const answer = packets.find(({ kind }) => kind === 'ACKEPOCH')!
  const lastZxid = read(answer.bytes).zxid
  const accepted = epochOf(info.zxid)
  const current = answer.fields.currentEpoch!
  const host = new SmallLearnerHost({
    serverId: first.learner,
    accepted,
    current: current < 0 ? accepted : current,
    log: lastZxid > 0 ? [lastZxid] : [],
    snapshot: ZXID_ZERO,
    membership: `server.1=a:1:2\nserver.2=b:1:2\nversion=${configVersion.toString(16)}`,
  })
  const isVoter = first.kind === 'FOLLOWERINFO'
  host.keepsRole = ({ members }) =>
    !members.has(first.learner) || members.get(first.learner)!.isVoter === isVoter
  const options = {
    serverId: first.learner,
    leader: designated(packets) ?? first.leader,
    leaderAddress: { host: 'leader', port: 2888 },
    isVoter,
    timing,
    faults: NO_FAULTS,
  }
  return { host, learning: new Learning(options, host) }
}

/** With an observer master the one that leads is not the one connected to. */
const designated = (packets: readonly CapturedPacket[]): number | undefined =>
  packets.find(({ fields }) => fields.designatedLeader !== undefined)?.fields.designatedLeader

function read(bytes: Uint8Array): QuorumPacket {
  const packet = { type: 0, zxid: ZXID_NONE, bytes, start: -1, end: 0, identities: null }
  readPacket(new JuteReader(bytes), packet)
  return packet
}

function forward(learning: Learning, { bytes, start, end, identities }: QuorumPacket): void {
  const reader = new JuteReader(bytes, start, end)
  const [high, low, cxid, op] = [reader.int(), reader.int(), reader.int(), reader.int()]
  learning.forward(high, low, cxid, op, bytes, start + 16, end, identities)
}

/** What the captured learner's answer to each PING of the leader told of sessions. */
function nextAnswers(packets: readonly CapturedPacket[]): (ping: CapturedPacket) => Uint8Array {
  const answers = packets.filter(({ side, kind }) => side === 'learner' && kind === 'PING')
  let index = 0
  return () => {
    const answer = answers[index++]
    if (answer === undefined) return new Uint8Array(0)
    const { bytes, start, end } = read(answer.bytes)
    return bytes.slice(start, end)
  }
}

/** Until 3.9.3 learners acknowledged what a DIFF had brought once more, one by one. */
function isLateAck(packets: readonly CapturedPacket[], packet: CapturedPacket): boolean {
  if (packet.kind !== 'ACK') return false
  const newLeader = packets.findIndex(({ kind }) => kind === 'NEWLEADER')
  return packets
    .slice(0, newLeader)
    .some(({ kind, fields }) => kind === 'PROPOSAL' && fields.zxid === packet.fields.zxid)
}

// What real learners sent, word for word and in the same order, is said to a leader of ours; what it
// sends to each of them must be what ZooKeeper's leader sent, byte for byte. Only signs of life are
// left out, which come by the clock. A captured proposal tells when a transaction was proposed, and
// which.

import { describe, expect, it } from 'vitest'

import { type CapturedPacket, quorumPackets } from '../../../test/support/golden-wire.ts'
import { entryAt, SmallLeaderHost } from '../../../test/support/leader-host.ts'
import { toHex } from '../../base/text.ts'
import { counterOf, epochOf, type Zxid, ZXID_ZERO, zxidOf } from '../../base/zxid.ts'
import { JuteReader } from '../jute/reader.ts'
import type { Membership } from '../quorum/membership.ts'
import { OpCode } from '../records/opcodes.ts'
import { Leading } from './leading.ts'
import { NO_FAULTS } from './zab-faults.ts'

interface Reign {
  readonly leader: number
  readonly epoch: number
  readonly packets: CapturedPacket[]
}

describe.each(['3.8.0', '3.9.5'])('a leader among learners of ZooKeeper %s', (version) => {
  const reigns = reignsOf(quorumPackets(version))

  it('is captured in every kind of reign', () => {
    expect(reigns.map(({ leader, epoch }) => `${leader} in ${epoch}`)).toEqual([
      '3 in 1',
      '2 in 2',
      '3 in 3',
      '2 in 4',
      '3 in 1',
    ])
  })

  it.each(reigns)('server $leader in epoch $epoch says the same', (reign) => {
    const said = replay(reign)
    for (const connection of new Set(reign.packets.map((packet) => packet.connection))) {
      const captured = reign.packets.filter(
        (packet) =>
          packet.connection === connection && packet.side === 'leader' && packet.kind !== 'PING',
      )
      expect(said.get(connection), `connection ${connection}`).toEqual(
        captured.map(({ kind, bytes }) => `${kind} ${toHex(bytes)}`),
      )
    }
  })
})

/** Scenarios 01 to 11, by who led. The others have links of another kind. */
function reignsOf(packets: readonly CapturedPacket[]): Reign[] {
  const reigns: Reign[] = []
  for (const packet of packets) {
    if (Number.parseInt(packet.scenario, 10) > 11) break
    const isNewEnsemble = packet.scenario.startsWith('11') && packet.kind === 'FOLLOWERINFO'
    let reign = reigns.at(-1)
    if (
      reign === undefined ||
      reign.leader !== packet.leader ||
      (isNewEnsemble && !reign.packets[0]!.scenario.startsWith('11'))
    ) {
      reign = { leader: packet.leader, epoch: epochLed(packets, packet), packets: [] }
      reigns.push(reign)
    }
    reign.packets.push(packet)
  }
  return reigns
}

function epochLed(packets: readonly CapturedPacket[], first: CapturedPacket): number {
  const invitation = packets
    .slice(packets.indexOf(first))
    .find(({ kind, leader }) => kind === 'LEADERINFO' && leader === first.leader)
  return epochOf(zxidIn(invitation!))
}

function replay(reign: Reign): Map<number, string[]> {
  const { packets, leader: serverId, epoch } = reign
  const text = packets.find(({ kind }) => kind === 'NEWLEADER')!.fields.config!
  const isFirst = epoch === 1
  const opening = packets.find(({ kind }) => ['DIFF', 'SNAP', 'TRUNC'].includes(kind))!
  const host = new SmallLeaderHost({
    accepted: epoch - 1,
    current: epoch - 1,
    log: historyUpTo(zxidIn(opening)),
    membership: isFirst ? text.replace(/version=.*/, 'version=0') : text,
  })
  const leading = new Leading(
    {
      serverId,
      quorumAddress: host.membership.members.get(serverId)!.quorumAddress,
      timing: { tickMs: 1_000, initLimit: 10, syncLimit: 5, connectLimit: 0, connectRetryMs: 100 },
      faults: NO_FAULTS,
      reconfigEnabled: !text.endsWith('version=0'),
      forceSnapshotSync: packets[0]!.scenario.startsWith('10'),
      snapshotSyncsMax: 10,
      differenceSyncsMax: 100,
    },
    host,
  )
  host.role = leading
  const answers = packets.filter(({ kind, side }) => kind === 'REVALIDATE' && side === 'leader')
  host.revalidate = () => answers.shift()!.bytes.at(-5) === 1
  host.onRequest = ({ op, from }) => {
    if (op === OpCode.sync) leading.sync(from)
  }
  leading.start()
  leading.doorOpened()
  host.finishAll()

  const connections = new Set<number>()
  const said = new Map<number, string[]>()
  packets.forEach((packet, index) => {
    const { connection, kind, side, bytes } = packet
    if (!connections.has(connection)) {
      connections.add(connection)
      said.set(connection, [])
      leading.linkAccepted(connection, 'a learner')
    }
    if (side === 'learner') {
      const stream = packets.slice(index).find((one) => one.kind === 'SNAPSHOT-STREAM')
      if (stream !== undefined) host.history.snapshotBytes = stream.bytes
      leading.linkBytes(connection, bytes)
    } else if (kind === 'PROPOSAL' && leading.phase === 'broadcast') {
      if (zxidIn(packet) === leading.nextZxid) propose(leading, host, bytes)
    }
    host.finishAll()
    for (const one of connections) {
      const packetsSaid = host.links.take(one).map((sent) => `${sent.name} ${toHex(sent.bytes)}`)
      said.get(one)!.push(...packetsSaid)
    }
    const later = packets.slice(index + 1)
    const isOver = later.every((one) => one.connection !== connection)
    // It was killed, or it left: it comes again on another connection.
    if (isOver && later.some((one) => one.learner === packet.learner)) {
      leading.linkClosed(connection, 'the learner has gone')
    }
  })
  expect(host.left).toBeNull()
  return said
}

/** Entries that lead up to `last`: what they hold was captured before, or is not asked for. */
function historyUpTo(last: Zxid) {
  return Array.from({ length: counterOf(last) }, (_, i) => entryAt(zxidOf(epochOf(last), i + 1)))
}

function propose(leading: Leading, host: SmallLeaderHost, packet: Uint8Array): void {
  const bytes = packet.slice(16, -4)
  leading.propose(entryAt(leading.nextZxid, bytes), membershipIn(bytes, host))
}

/** What a reconfiguration proposes; null for other transactions. */
function membershipIn(txn: Uint8Array, host: SmallLeaderHost): Membership | null {
  const reader = new JuteReader(txn)
  reader.position = 28
  if (reader.int() !== OpCode.reconfig) return null
  reader.ustring()
  return host.membershipOf(reader.ustring()!)
}

const zxidIn = (packet: CapturedPacket): Zxid =>
  packet.fields.zxid === undefined ? ZXID_ZERO : (Number(BigInt(packet.fields.zxid)) as Zxid)

// What a learner that is up to date sends to its leader: acknowledgements, its clients' requests,
// which of their sessions live, and whether one that has moved to it does (ZooKeeper 3.9
// `LearnerHandler.run`). It reads packets and hands them on; it decides nothing.

import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import { packetName, PacketType, type QuorumPacket } from '../records/quorum-packet.ts'
import type { LearnerLink } from './learner-link.ts'
import type { LeaderHost } from './zab-host.ts'

export class LearnerRequests {
  readonly #host: LeaderHost
  readonly #reader = new JuteReader(new Uint8Array(0))
  readonly #answer = new JuteWriter(16)

  constructor(host: LeaderHost) {
    this.#host = host
  }

  /** Anything but an acknowledgement. Throws MalformedRecord. */
  take(learner: LearnerLink, packet: QuorumPacket): void {
    switch (packet.type) {
      case PacketType.request:
        this.#request(learner, packet)
        return
      case PacketType.ping:
        this.#touches(packet)
        return
      case PacketType.revalidate:
        this.#revalidate(learner, packet)
        return
      default:
        this.#ignore(learner, packet)
    }
  }

  #request(learner: LearnerLink, packet: QuorumPacket): void {
    const reader = this.#open(packet)
    const sessionHigh = reader.int()
    const sessionLow = reader.int()
    const cxid = reader.int()
    const op = reader.int()
    this.#host.request({
      from: learner.link,
      sessionHigh,
      sessionLow,
      cxid,
      op,
      bytes: packet.bytes,
      start: reader.position,
      end: packet.end,
      identities: packet.identities ?? [],
    })
  }

  #touches(packet: QuorumPacket): void {
    if (packet.start < 0) return
    const reader = this.#open(packet)
    while (reader.remaining > 0) {
      const sessionHigh = reader.int()
      const sessionLow = reader.int()
      this.#host.touched(sessionHigh, sessionLow, reader.int())
    }
  }

  #revalidate(learner: LearnerLink, packet: QuorumPacket): void {
    const reader = this.#open(packet)
    const sessionId = reader.long()
    const isValid = this.#host.revalidate(learner.link, sessionId, reader.int())
    if (isValid === null) return
    const out = this.#answer
    out.reset()
    out.long(sessionId)
    out.bool(isValid)
    learner.output.data(PacketType.revalidate, packet.zxid, out.copy())
  }

  #ignore(learner: LearnerLink, packet: QuorumPacket): void {
    if (learner.hasSentStrange) return
    learner.hasSentStrange = true
    this.#host.remark('warn', 'a learner sent a packet that a leader has no use for', {
      server: learner.serverId,
      packet: packetName(packet.type),
    })
  }

  #open(packet: QuorumPacket): JuteReader {
    if (packet.start < 0) throw new MalformedRecord(`${packetName(packet.type)} without data`)
    this.#reader.reset(packet.bytes, packet.start, packet.end)
    return this.#reader
  }
}

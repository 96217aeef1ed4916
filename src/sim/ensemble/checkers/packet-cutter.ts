// Cuts one direction of a quorum link into packets for the checkers, by a way of its own and without
// any hurry. A snapshot that stands between two packets is skipped up to its signature.

import { ZXID_NONE } from '../../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../../../core/jute/reader.ts'
import { PacketType, type QuorumPacket, readPacket } from '../../../core/records/quorum-packet.ts'

/** `BenWasHere` as a string, behind each snapshot on a link. */
const SIGNATURE: readonly number[] = [0, 0, 0, 10, ...[...'BenWasHere'].map((c) => c.charCodeAt(0))]

/** Type, zxid, length of the data, count of identities. */
const BARE_BYTES = 20
const DATA_LENGTH_AT = 12

export class PacketCutter {
  #rest = new Uint8Array(0)
  #isInSnapshot = false

  /** The packets that are whole with `chunk`; each may be kept. */
  push(chunk: Uint8Array): QuorumPacket[] {
    const all = new Uint8Array(this.#rest.length + chunk.length)
    all.set(this.#rest)
    all.set(chunk, this.#rest.length)
    const packets: QuorumPacket[] = []
    const reader = new JuteReader(all)
    let at = 0
    for (;;) {
      if (this.#isInSnapshot) {
        const end = endOfSignature(all, at)
        if (end < 0) {
          // The signature may have begun at the end of what is there.
          at = Math.max(at, all.length - SIGNATURE.length)
          break
        }
        at = end
        this.#isInSnapshot = false
      }
      const packet = packetAt(reader, all, at)
      if (packet === null) break
      packets.push(packet)
      at = reader.position
      this.#isInSnapshot = packet.type === PacketType.snap
    }
    this.#rest = all.slice(at)
    return packets
  }
}

/** Null where it is not whole yet. */
function packetAt(reader: JuteReader, all: Uint8Array, at: number): QuorumPacket | null {
  if (all.length - at < BARE_BYTES) return null
  reader.reset(all, at + DATA_LENGTH_AT, all.length)
  if (all.length - at < BARE_BYTES + Math.max(0, reader.int())) return null
  const packet: QuorumPacket = {
    type: 0,
    zxid: ZXID_NONE,
    bytes: all,
    start: -1,
    end: 0,
    identities: null,
  }
  reader.reset(all, at, all.length)
  try {
    readPacket(reader, packet)
  } catch (error) {
    // Its identities are not all there: what servers send each other here is never malformed.
    if (!(error instanceof MalformedRecord)) throw error
    return null
  }
  return packet
}

function endOfSignature(bytes: Uint8Array, from: number): number {
  for (let at = from; at + SIGNATURE.length <= bytes.length; at++) {
    if (SIGNATURE.every((byte, i) => bytes[at + i] === byte)) return at + SIGNATURE.length
  }
  return -1
}

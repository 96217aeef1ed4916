// Cuts the stream of a quorum link into packets, one at a time, whatever the pieces it arrives in.
// A packet that lies within one piece is shown where it stands; one that straddles pieces is put
// together once, in an array of its own. Either way the bytes never change, so that views of them
// may be kept. It knows the limit of a packet and nothing of what packets mean; in between, a
// stream of another kind (a snapshot) is read through the window from `start` to `end`.

import { assert } from '../../base/assert.ts'
import { IDENTITIES_PER_CONNECTION_MAX, PEER_FIELD_BYTES_MAX_DEFAULT } from '../../base/limits.ts'
import { Ring } from '../../base/ring.ts'
import { ZXID_NONE } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { packetName, type QuorumPacket, readPacket } from '../records/quorum-packet.ts'

export class PacketStream {
  /** The current packet, after {@link next} returned true; the next one takes its place. */
  readonly packet: QuorumPacket = {
    type: 0,
    zxid: ZXID_NONE,
    bytes: NOTHING,
    start: -1,
    end: 0,
    identities: null,
  }

  readonly #fieldBytesMax: number
  readonly #reader = new JuteReader(NOTHING)
  /** The piece that is being read, from `#position` on, and those that arrived after it. */
  #piece: Uint8Array = NOTHING
  #position = 0
  readonly #later = new Ring<Uint8Array>()
  #laterBytes = 0
  /** The beginning of a packet whose rest is in later pieces, or has yet to arrive. */
  #partial: Uint8Array | null = null
  #partialCount = 0

  constructor(fieldBytesMax: number = PEER_FIELD_BYTES_MAX_DEFAULT) {
    this.#fieldBytesMax = fieldBytesMax
  }

  /** Takes the next piece of the stream, which must not change from here on. */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#later.push(piece)
    this.#laterBytes += piece.length
  }

  /**
   * Moves to the next packet; false where it has not wholly arrived. Throws MalformedRecord, and
   * then nothing more can be read from this stream.
   */
  next(): boolean {
    if (this.#partial !== null) return this.#completePartial()
    if (!this.#hasBytes()) return false
    const piece = this.#piece
    const start = this.#position
    const needed = this.#bytesNeeded(piece, start, piece.length)
    if (needed <= piece.length - start) {
      this.#position = start + needed
      this.#read(piece, start, start + needed)
      return true
    }
    this.#partial = piece.slice(start)
    this.#partialCount = this.#partial.length
    this.#position = piece.length
    return this.#completePartial()
  }

  /** Bytes that have arrived and have not been read. */
  get waitingBytes(): number {
    return this.#partialCount + this.#piece.length - this.#position + this.#laterBytes
  }

  /**
   * Whether something has arrived behind the current packet: it stands in {@link bytes} from
   * {@link start} to {@link end}, as far as it is in one piece. Not to be asked once `next` has
   * returned false.
   */
  hasWindow(): boolean {
    assert(this.#partial === null, 'a packet has begun: what has arrived belongs to it')
    return this.#hasBytes()
  }

  get bytes(): Uint8Array {
    return this.#piece
  }

  get start(): number {
    return this.#position
  }

  get end(): number {
    return this.#piece.length
  }

  /** What stands before `position` in the window has been read. */
  readUpTo(position: number): void {
    assert(
      position >= this.#position && position <= this.#piece.length,
      () => `${position} is not within ${this.#position}..${this.#piece.length}`,
    )
    this.#position = position
  }

  #hasBytes(): boolean {
    if (this.#position < this.#piece.length) return true
    this.#position = 0
    this.#piece = NOTHING
    if (this.#later.length === 0) return false
    this.#piece = this.#later.shift()
    this.#laterBytes -= this.#piece.length
    return true
  }

  #completePartial(): boolean {
    for (;;) {
      const count = this.#partialCount
      const needed = this.#bytesNeeded(this.#partial!, 0, count)
      if (count === needed) {
        const whole = this.#partial!
        this.#partial = null
        this.#partialCount = 0
        this.#read(whole, 0, needed)
        return true
      }
      if (!this.#hasBytes()) return false
      const taken = Math.min(needed - count, this.#piece.length - this.#position)
      const partial = this.#roomFor(count + taken, needed)
      partial.set(this.#piece.subarray(this.#position, this.#position + taken), count)
      this.#partialCount = count + taken
      this.#position += taken
    }
  }

  /** Grows with what has arrived, not with what a packet claims about itself. */
  #roomFor(count: number, needed: number): Uint8Array {
    const partial = this.#partial!
    if (count <= partial.length) return partial
    const grown = new Uint8Array(Math.max(count, Math.min(needed, partial.length * 2)))
    grown.set(partial.subarray(0, this.#partialCount))
    this.#partial = grown
    return grown
  }

  #read(bytes: Uint8Array, start: number, end: number): void {
    this.#reader.reset(bytes, start, end)
    readPacket(this.#reader, this.packet)
  }

  /**
   * How many bytes the packet at `start` has, as far as those up to `end` tell: its length if that
   * many are there, otherwise how many it takes at least to know more.
   */
  #bytesNeeded(bytes: Uint8Array, start: number, end: number): number {
    const available = end - start
    let needed = HEAD_BYTES
    if (available < needed) return needed
    needed += Math.max(this.#lengthAt(bytes, start + needed - 4, start), 0) + 4
    if (available < needed) return needed
    const identitiesStart = needed
    const identityCount = intAt(bytes, start + needed - 4)
    if (identityCount > IDENTITIES_PER_CONNECTION_MAX) {
      throw new MalformedRecord(`${identityCount} identities in one packet`)
    }
    const stringCount = 2 * identityCount
    for (let i = 0; i < stringCount; i++) {
      needed += 4
      if (available < needed) return needed
      needed += Math.max(this.#lengthAt(bytes, start + needed - 4, start), 0)
      if (needed - identitiesStart > this.#fieldBytesMax) {
        throw new MalformedRecord(`identities of more than ${this.#fieldBytesMax} bytes`)
      }
    }
    return needed
  }

  #lengthAt(bytes: Uint8Array, at: number, packetStart: number): number {
    const length = intAt(bytes, at)
    if (length < -1 || length > this.#fieldBytesMax) {
      const name = packetName(intAt(bytes, packetStart))
      throw new MalformedRecord(`${name} with a field of ${length} bytes`)
    }
    return length
  }
}

/** Type, zxid and the length of the data. */
const HEAD_BYTES = 16

const NOTHING: Uint8Array = new Uint8Array(0)

function intAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

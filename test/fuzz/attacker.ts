// A client that means ill, or is broken: each one has a habit, keeps to it for some rounds, and may
// vanish at any point. Whatever the server sends it has to be whole frames, to the last byte.

import { assert } from '../../src/base/assert.ts'
import type { Prng } from '../../src/base/prng.ts'
import { OpCode } from '../../src/core/records/opcodes.ts'
import { type Handshake, ReplyStream, handshake, joined, request } from './frames.ts'
import { RequestMaker } from './request-maker.ts'
import { CHUNK_BYTES_MAX, FRAME_BYTES_MAX, type ScriptedConnection } from './scripted-port.ts'

/** Sessions that attackers have held, for others to resume, steal, or miss. */
export type KnownSessions = { id: bigint; passwd: Uint8Array }[]

const HABITS = [
  'noise',
  'silence',
  'lengths',
  'garbage bodies',
  'mutations',
  'well formed',
  'behind the handshake',
  'drip',
  'slow reader',
  'greedy reader',
  'words',
  'watches',
] as const

export class Attacker {
  readonly connection: ScriptedConnection
  readonly habit: (typeof HABITS)[number]
  readonly #random: Prng
  readonly #maker: RequestMaker
  readonly #sessions: KnownSessions
  readonly #stream = new ReplyStream()
  #begun = false
  #expectsFrames = true

  constructor(connection: ScriptedConnection, random: Prng, sessions: KnownSessions) {
    this.connection = connection
    this.#random = random
    this.#maker = new RequestMaker(random)
    this.#sessions = sessions
    this.habit = random.pick(HABITS)
    connection.isSlow = this.habit === 'slow reader' || random.chance(0.1)
  }

  act(): void {
    const random = this.#random
    if (this.connection.inbox.length > 20) return
    if (!this.#begun) {
      this.#begun = true
      this.#begin()
    } else if (this.habit !== 'silence') {
      for (let count = random.between(1, 6); count > 0; count--) this.#sendOne()
    }
  }

  /** Looks at what came. */
  listen(): void {
    for (const chunk of this.connection.takeReceived()) {
      if (!this.#expectsFrames) continue
      const wasStranger = this.#stream.connected === null
      this.#stream.push(chunk)
      const { connected } = this.#stream
      if (wasStranger && connected !== null && connected.timeOut > 0) {
        assert(connected.passwd !== null, 'a session without a password')
        this.#sessions.push({ id: connected.sessionId, passwd: connected.passwd })
      }
    }
  }

  #begin(): void {
    const random = this.#random
    switch (this.habit) {
      case 'noise':
        this.#send(this.#maker.randomBytes(random.below(300)))
        break
      case 'silence':
        this.#send(this.#handshake().slice(0, random.below(48)))
        break
      case 'words':
        this.#expectsFrames = false
        this.#send(
          new TextEncoder().encode(
            random.pick(['ruok', 'stat\n', 'mntrmntr', 'ruo', 'wchp0123456789', 'stmk\0\0\0\0\0']),
          ),
        )
        break
      case 'behind the handshake': {
        const parts = [this.#handshake()]
        for (let xid = random.below(50); xid > 0; xid--) parts.push(this.#maker.wellFormed(xid))
        if (random.chance(0.2)) parts.push(new Uint8Array(300_000))
        this.#send(joined(parts))
        break
      }
      default:
        this.#send(random.chance(0.9) ? this.#handshake() : this.#maker.mutated(1))
    }
  }

  #sendOne(): void {
    const random = this.#random
    const maker = this.#maker
    const xid = random.chance(0.9) ? random.below(1_000) : random.next() | 0
    switch (this.habit) {
      case 'noise':
        this.#send(maker.randomBytes(random.below(2_000)))
        break
      case 'lengths':
        this.#send(this.#oddLength(xid))
        break
      case 'garbage bodies':
        this.#send(maker.garbageBody(xid))
        break
      case 'mutations':
        this.#send(maker.mutated(xid))
        break
      case 'greedy reader':
      case 'slow reader':
        this.#send(this.#greedyReads(xid))
        break
      case 'watches':
        this.#send(
          request(xid, random.pick([OpCode.exists, OpCode.addWatch]), (out) => {
            out.ustring(`/w${random.below(5_000)}`)
            if (random.chance(0.5)) out.bool(true)
            else out.int(random.below(2))
          }),
        )
        break
      default:
        this.#send(maker.wellFormed(xid))
    }
  }

  /** Many answers, as large as the world has them, for a few bytes of request. */
  #greedyReads(xid: number): Uint8Array {
    const random = this.#random
    if (random.chance(0.3)) {
      return request(xid, OpCode.setData, (out) => {
        out.ustring('/large')
        out.buffer(new Uint8Array(FRAME_BYTES_MAX - 100).fill(random.below(256)))
        out.int(-1)
      })
    }
    const read = request(xid, OpCode.getData, (out) => {
      out.ustring('/large')
      out.bool(false)
    })
    return joined(
      Array.from(
        { length: random.chance(0.1) ? random.below(1_000) : random.below(40) },
        () => read,
      ),
    )
  }

  #oddLength(xid: number): Uint8Array {
    const random = this.#random
    const bytes = this.#maker.wellFormed(xid)
    const length = random.pick([
      -1,
      -(2 ** 31),
      2 ** 31 - 1,
      FRAME_BYTES_MAX,
      FRAME_BYTES_MAX + 1,
      0,
      1,
      7,
      8,
      bytes.length,
    ])
    new DataView(bytes.buffer).setInt32(0, length)
    return bytes
  }

  #handshake(): Uint8Array {
    const random = this.#random
    const known = this.#sessions.length > 0 && random.chance(0.3)
    const fields: Handshake = known
      ? { sessionId: random.pick(this.#sessions).id, passwd: random.pick(this.#sessions).passwd }
      : random.chance(0.1)
        ? { sessionId: BigInt(random.next()) << 20n, passwd: null }
        : {}
    return handshake({
      ...fields,
      timeOut: random.pick([0, -5, 2_000, 6_000, 2 ** 31 - 1]),
      readOnly: random.pick([true, false, null]),
    })
  }

  #send(bytes: Uint8Array): void {
    const random = this.#random
    const isDripping = this.habit === 'drip' || random.chance(0.05)
    const truncated = random.chance(0.02) ? bytes.slice(0, random.below(bytes.length + 1)) : bytes
    const chunkBytes = isDripping ? random.between(1, 5) : random.pick([7, 100, CHUNK_BYTES_MAX])
    // Thousands of tiny chunks would test the test.
    this.connection.push(truncated, Math.max(chunkBytes, truncated.length >> 6))
  }
}

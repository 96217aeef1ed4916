import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ScriptedPeer, type SentRequest, writeStat } from '../../../test/support/scripted-peer.ts'
import { OpCode } from '../records/opcodes.ts'
import { type Call, isWrite } from './call.ts'

type TestCall = Call<string, string>

describe('whatever a server sends', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 80 })
  /** Bytes that get past the framer more often than chance would let them. */
  const framed = fc
    .tuple(fc.constantFrom(-1, -2, -4, 1, 2, 3, 77), fc.uint8Array({ maxLength: 60 }))
    .map(([xid, rest]) => {
      const frame = new Uint8Array(8 + rest.length)
      const view = new DataView(frame.buffer)
      view.setInt32(0, 4 + rest.length)
      view.setInt32(4, xid)
      frame.set(rest, 8)
      return frame
    })
  const chunk = fc.oneof(bytes, framed)

  it('the machine neither throws nor stops, and settles each call once', () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), fc.boolean(), (chunks, established) => {
        const peer = new ScriptedPeer({ receiveBytesMax: 4_096 })
        if (established) peer.connect()
        else peer.machine.start(peer.nowMs)
        peer.collect()
        const calls = [OpCode.getData, OpCode.multi, OpCode.getChildren2, OpCode.setData].map(
          (op) =>
            peer.submit(op, '/a', (call) => {
              call.deadlineMs = peer.nowMs + 5_000
              call.ops = []
              if (op === OpCode.getData) call.watcher = peer.watch('data', '/a')
            }),
        )
        for (const one of chunks) {
          if (peer.attempt > 0) peer.machine.opened(peer.attempt, peer.nowMs)
          peer.bytes(one)
        }
        peer.advance(6_000)
        expect(settledCounts(peer, calls)).toEqual([1, 1, 1, 1])
        expect(peer.machine.wakeAtMs).toBeGreaterThan(peer.nowMs)
      }),
    )
  })
})

describe('with a server that behaves and a network that does not', () => {
  /** One step of a history: what the caller, the network or time does. */
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('submit'), op: fc.nat(2) }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('answer'), count: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('break') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire') }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.nat(3_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('abandon'), which: fc.nat(50) }) },
  )
  const OPS = [OpCode.getData, OpCode.setData, OpCode.exists] as const

  it('answers reach the calls they belong to, and no write goes out twice unless it may', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(6), (steps, chunkBytes) => {
        const world = new World(chunkBytes + 1)
        for (const one of steps) {
          switch (one.kind) {
            case 'submit':
              world.submit(OPS[one.op % OPS.length] as OpCode)
              break
            case 'answer':
              world.answer(one.count)
              break
            case 'break':
              world.peer.breakConnection()
              break
            case 'expire':
              world.expire()
              break
            case 'wait':
              world.wait(one.ms)
              break
            case 'abandon':
              world.abandon(one.which)
          }
        }
        world.finish()
        world.check()
      }),
    )
  })
})

/** A server that answers each request with the number of the call it came from. */
class World {
  readonly peer = new ScriptedPeer({ inFlightMax: 5 })
  readonly calls: TestCall[] = []
  readonly #chunkBytes: number
  readonly #sentWrites = new Map<string, number>()
  #zxid = 0
  #nextSessionId = 1n
  #sessionId = 0n

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes
    this.peer.machine.start(this.peer.nowMs)
    this.peer.collect()
  }

  submit(op: OpCode): void {
    const name = `/${this.calls.length}`
    const call = this.peer.submit(op, name, (one) => {
      one.deadlineMs = this.peer.nowMs + 20_000
    })
    this.calls.push(call)
  }

  abandon(which: number): void {
    const call = this.calls[which]
    if (call !== undefined) this.peer.machine.abandon(call, 'not wanted')
    this.peer.collect()
  }

  /** The server forgets the session; it says so at the next handshake. */
  expire(): void {
    this.#sessionId = 0n
    this.peer.breakConnection()
  }

  wait(ms: number): void {
    this.#serveHandshake()
    this.peer.advance(ms)
    this.#serveHandshake()
  }

  answer(count: number): void {
    this.#serveHandshake()
    for (let i = 0; i < count; i++) {
      const request = this.peer.requests.shift()
      if (request === undefined) return
      this.#answer(request)
    }
  }

  finish(): void {
    for (let i = 0; i < 200 && this.calls.some(({ state }) => state !== 'settled'); i++) {
      this.answer(10)
      this.wait(200)
    }
  }

  check(): void {
    expect(settledCounts(this.peer, this.calls)).toEqual(this.calls.map(() => 1))
    for (const call of this.calls) {
      if (call.succeeded) expect(call.value?.stat?.czxid).toBe(Number(call.path.slice(1)) + 1)
      if (isWrite(call.op)) expect(this.#sentWrites.get(call.path) ?? 0).toBeLessThan(2)
      // What was never sent cannot have happened, and the caller must be able to rely on that.
      if (call.failure !== null && call.sends === 0) {
        expect(this.#sentWrites.has(call.path)).toBe(false)
      }
    }
    const answered = this.calls.filter(({ succeeded }) => succeeded)
    const order = this.peer.outputs.flatMap((one) => (one.kind === 'call' ? [one] : []))
    const inOrder = order.filter((one) => one.succeeded).map(({ zxid }) => zxid)
    expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b))
    expect(inOrder.length).toBe(answered.length)
  }

  #serveHandshake(): void {
    const { peer } = this
    if (peer.machine.wakeAtMs <= peer.nowMs) peer.advance(0)
    if (peer.machine.describe().includes('(opening)')) peer.open()
    if (!peer.machine.describe().includes('(handshake)')) return
    const asked = peer.connectRequest?.sessionId ?? 0n
    if (asked !== 0n && asked !== this.#sessionId) {
      peer.grant(0, 0n)
      this.#serveHandshake()
      return
    }
    if (asked === 0n) this.#sessionId = this.#nextSessionId++
    peer.grant(9_000, this.#sessionId)
  }

  #answer({ xid, op, body }: SentRequest): void {
    if (xid === -2) {
      this.#send(() => this.peer.reply(-2, this.#zxid))
      return
    }
    const path = body.ustring() ?? ''
    if (op === OpCode.setData) {
      this.#sentWrites.set(path, (this.#sentWrites.get(path) ?? 0) + 1)
    }
    const number = Number(path.slice(1)) + 1
    this.#zxid++
    this.#send(() =>
      this.peer.reply(xid, this.#zxid, 0, (writer) => {
        if (op === OpCode.getData) writer.buffer(null)
        writeStat(writer, number)
      }),
    )
  }

  /** Sends in small pieces, so that frames begin and end anywhere. */
  #send(write: () => void): void {
    const { peer } = this
    const whole: Uint8Array[] = []
    const bytes = peer.bytes.bind(peer)
    peer.bytes = (frame) => void whole.push(frame)
    write()
    peer.bytes = bytes
    for (const frame of whole) {
      for (let i = 0; i < frame.length; i += this.#chunkBytes) {
        peer.bytes(frame.slice(i, i + this.#chunkBytes))
      }
    }
  }
}

function settledCounts(peer: ScriptedPeer, calls: readonly TestCall[]): number[] {
  return calls.map((call) => peer.outputs.filter((output) => output === call).length)
}

// Plays a plan as `player.c` does, for machines without a C compiler. It is slower than a fast
// server, so what it measures is partly itself; `main.ts` says so where it is used.
//
//   tsx bench/player.ts 127.0.0.1:2181,127.0.0.1:2182 PLAN

import { readFileSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { Framer } from '../src/core/jute/framer.ts'
import { JuteReader } from '../src/core/jute/reader.ts'
import { PlanMode } from './plan.ts'

interface LoadedPlan {
  readonly mode: number
  readonly connections: number
  readonly depth: number
  readonly warmMs: number
  readonly measureMs: number
  readonly operationsMax: number
  readonly handshake: Uint8Array
  readonly setup: readonly Uint8Array[]
  readonly cycles: readonly (readonly Uint8Array[])[]
  readonly teardown: readonly Uint8Array[]
}

const NOTIFICATION_XID = -1
const NO_NODE = -101
const NODE_EXISTS = -110
const WINDOW = 100

const [addresses = '127.0.0.1:2181', file = ''] = process.argv.slice(2)
const servers = addresses.split(',').map((address) => {
  const [host = '', port = ''] = address.split(':')
  return { host, port: Number(port) }
})
const plan = readPlan(new Uint8Array(readFileSync(file)))

class Tally {
  operations = 0
  failures = 0
  firstFailure = 0
  isMeasuring = false
  #latenciesUs = new Float64Array(1 << 20)

  done(sentAt: number, error: number): void {
    if (!this.isMeasuring) return
    if (this.operations === this.#latenciesUs.length) {
      const larger = new Float64Array(this.#latenciesUs.length * 2)
      larger.set(this.#latenciesUs)
      this.#latenciesUs = larger
    }
    this.#latenciesUs[this.operations++] = (performance.now() - sentAt) * 1_000
    if (error !== 0 && this.failures++ === 0) this.firstFailure = error
  }

  report(ms: number): void {
    const sorted = this.#latenciesUs.subarray(0, this.operations).sort()
    const percentile = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    const { operations, failures, firstFailure } = this
    console.log(
      JSON.stringify({
        operations,
        seconds: ms / 1_000,
        perSecond: (operations / ms) * 1_000,
        failures,
        firstFailure,
        p50Us: percentile(0.5),
        p99Us: percentile(0.99),
        p999Us: percentile(0.999),
        maxUs: percentile(1),
      }),
    )
  }
}

let dialled = 0

/** A connection with a session; `onFrame` hears of each frame behind the handshake. */
class Link {
  onFrame: (reader: JuteReader) => void = () => {}
  /** All frames of a chunk have been handed over. */
  onChunk: () => void = () => {}
  onClosed: () => void = () => fail('the server has closed a connection')
  readonly #socket: Socket
  readonly #framer = new Framer(64 << 20)
  readonly #reader = new JuteReader(new Uint8Array(0))
  #xid = 0

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static open(): Promise<Link> {
    return new Promise((resolve, reject) => {
      const server = servers[dialled++ % servers.length]!
      const socket = connect({ ...server, noDelay: true })
      const link = new Link(socket)
      socket.on('error', reject)
      socket.on('data', (chunk) => link.#onData(chunk))
      socket.on('close', () => link.onClosed())
      link.onFrame = (reader) => {
        reader.int()
        if (reader.int() <= 0) fail('the server gives no session')
        link.onFrame = () => {}
        resolve(link)
      }
      socket.write(plan.handshake)
    })
  }

  /** Fills in the xid, sends, and returns the xid. */
  send(frame: Uint8Array): number {
    this.#xid = this.#xid === 2 ** 31 - 1 ? 1 : this.#xid + 1
    const bytes = Buffer.from(frame)
    bytes.writeInt32BE(this.#xid, 4)
    this.#socket.write(bytes)
    return this.#xid
  }

  /** What is sent until `uncork` leaves in one piece. */
  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  end(): void {
    this.onClosed = () => {}
    this.#socket.destroy()
  }

  #onData(chunk: Uint8Array): void {
    const framer = this.#framer
    framer.push(chunk)
    while (framer.next()) {
      this.#reader.reset(framer.bytes, framer.start, framer.end)
      this.onFrame(this.#reader)
    }
    framer.keepRest()
    this.onChunk()
  }
}

async function play(): Promise<void> {
  const tally = new Tally()
  const startsAt = performance.now() + plan.warmMs
  const timer = setTimeout(() => {
    tally.isMeasuring = true
  }, plan.warmMs)
  if (plan.mode === PlanMode.connect) await playConnects(tally, startsAt)
  else await playLoops(tally)
  clearTimeout(timer)
}

async function playLoops(tally: Tally): Promise<void> {
  const conductor = await Link.open()
  await playList(conductor, plan.setup)
  const links: Link[] = []
  for (let at = 0; at < plan.connections; at++) links.push(await Link.open())
  const startsAt = performance.now() + plan.warmMs
  await new Promise<void>((resolve) => {
    setTimeout(resolve, plan.warmMs + plan.measureMs)
    if (plan.mode === PlanMode.watch) watchInRounds(conductor, links, tally)
    else
      links.forEach((link, at) => loop(link, plan.cycles[at % plan.cycles.length]!, tally, resolve))
  })
  tally.report(performance.now() - startsAt)
  for (const link of [conductor, ...links]) link.end()
  const cleaner = await Link.open()
  await playList(cleaner, plan.teardown)
  cleaner.end()
}

let issued = 0

function loop(link: Link, cycle: readonly Uint8Array[], tally: Tally, onLast: () => void): void {
  const sentAt = new Float64Array(plan.depth)
  let inFlight = 0
  let next = 0
  const fill = (): void => {
    const now = performance.now()
    link.cork()
    while (inFlight < plan.depth) {
      if (plan.operationsMax > 0 && issued++ >= plan.operationsMax) break
      sentAt[link.send(cycle[next]!) % plan.depth] = now
      next = (next + 1) % cycle.length
      inFlight++
    }
    link.uncork()
  }
  link.onFrame = (reader) => {
    const xid = reader.int()
    reader.long()
    inFlight--
    tally.done(sentAt[xid % plan.depth]!, reader.int())
    if (plan.operationsMax > 0 && tally.operations >= plan.operationsMax) onLast()
  }
  link.onChunk = fill
  fill()
}

function watchInRounds(conductor: Link, links: readonly Link[], tally: Tally): void {
  const [arm, fire] = plan.cycles.map((cycle) => cycle[0]!)
  let armed = 0
  let firedAt = 0
  for (const link of links) {
    link.onFrame = (reader) => {
      if (reader.int() === NOTIFICATION_XID) {
        tally.done(firedAt, 0)
        link.send(arm!)
      } else if (++armed === links.length) {
        armed = 0
        firedAt = performance.now()
        conductor.send(fire!)
      }
    }
    link.send(arm!)
  }
}

async function playConnects(tally: Tally, startsAt: number): Promise<void> {
  const until = startsAt + plan.measureMs
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      const openedAt = performance.now()
      const link = await Link.open()
      tally.done(openedAt, 0)
      await new Promise<void>((resolve) => {
        link.onClosed = resolve
        link.send(plan.cycles[0]![0]!)
      })
    }
  }
  await Promise.all(Array.from({ length: plan.connections * plan.depth }, one))
  tally.report(performance.now() - startsAt)
}

/** All frames of a list on one connection, some in flight at a time. */
function playList(link: Link, frames: readonly Uint8Array[]): Promise<void> {
  if (frames.length === 0) return Promise.resolve()
  return new Promise((resolve) => {
    let sent = 0
    let answered = 0
    const fill = (): void => {
      while (sent < frames.length && sent - answered < WINDOW) link.send(frames[sent++]!)
    }
    link.onFrame = (reader) => {
      reader.int()
      reader.long()
      const error = reader.int()
      if (error !== 0 && error !== NO_NODE && error !== NODE_EXISTS) fail(`error ${error}`)
      if (++answered === frames.length) resolve()
      else fill()
    }
    fill()
  })
}

function readPlan(bytes: Uint8Array): LoadedPlan {
  const reader = new JuteReader(bytes)
  const frames = (): Uint8Array[] =>
    Array.from({ length: reader.int() }, () => {
      const start = reader.position
      const length = reader.skipField()
      return bytes.subarray(start, start + 4 + length)
    })
  return {
    mode: reader.int(),
    connections: reader.int(),
    depth: reader.int(),
    warmMs: reader.int(),
    measureMs: reader.int(),
    operationsMax: reader.int(),
    handshake: frames()[0]!,
    setup: frames(),
    cycles: Array.from({ length: reader.int() }, frames),
    teardown: frames(),
  }
}

function fail(why: string): never {
  console.error(`player: ${why}`)
  process.exit(1)
}

await play()

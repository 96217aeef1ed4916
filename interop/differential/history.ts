/**
 * Chooses the next step of a random history. Knows which slots have a connection and which paths
 * have existed; learns both from the answers, so later requests meet the results of earlier ones.
 * The same seed and the same answers give the same history.
 */
import { Prng } from '../../src/base/prng.ts'
import { type Bytes, connectPayload, openAcl, opcode, WireWriter } from '../peers/wire.ts'
import { anyRequest, type Draft, type World } from './requests.ts'
import type { Outcome } from './side.ts'
import type { Request, Step } from './step.ts'

export interface HistoryOptions {
  readonly seed: number
  /** How many servers clients find their way to, on each side. */
  readonly serverCount: number
  /** Waiting for an expiry takes seconds; a long history has some of them. */
  readonly expiries: boolean
}

/** What the history believes of a slot: no session, a live one, one without connection, a dead one. */
type SlotState = 'empty' | 'open' | 'lost' | 'dead'

const slotCount = 4
const knownPathsMax = 60
// Long enough that no session expires by itself during a run.
const timeoutsMs = [30_000, 40_000, 99_999, 25_000]

export class History {
  readonly #random: Prng
  readonly #serverCount: number
  readonly #expiries: boolean
  /** Which server each slot's connection goes to, and which server is not there at the moment. */
  readonly #servers: number[] = Array.from({ length: slotCount }, () => 0)
  #killed: number | null = null
  readonly #slots: SlotState[] = Array.from({ length: slotCount }, () => 'empty')
  readonly #xids: number[] = Array.from({ length: slotCount }, () => 0)
  readonly #knownPaths: string[] = ['/', '/zookeeper']
  readonly #queued: Step[] = []
  #lastZxid = 0n
  #expiryCount = 0

  constructor(options: HistoryOptions) {
    this.#random = new Prng(options.seed)
    this.#serverCount = options.serverCount
    this.#expiries = options.expiries
  }

  next(): Step {
    const queued = this.#queued.shift()
    if (queued !== undefined) return queued
    const random = this.#random
    if (this.#serverCount > 1) {
      const restart = this.#restart()
      if (restart !== null) return restart
    }
    if (random.chance(0.01)) return this.#stranger()
    const slot = random.below(slotCount)
    switch (this.#slots[slot]) {
      case 'open':
        return this.#onOpenSlot(slot)
      case 'lost':
        return this.#renew(slot)
      case 'dead':
        this.#slots[slot] = 'empty'
        return random.chance(0.4) ? this.#renewDead(slot) : this.#connect(slot)
      default:
        return this.#connect(slot)
    }
  }

  /** Learns from what the step did. */
  learn(step: Step, outcome: Outcome): void {
    this.#lastZxid = outcome.lastZxid
    const isOpen = new Set(outcome.openSlots)
    for (let slot = 0; slot < slotCount; slot++) {
      if (isOpen.has(slot)) this.#slots[slot] = 'open'
      else if (this.#slots[slot] === 'open') this.#slots[slot] = 'lost'
    }
    const isOver = endsSession(step) || (this.#serverCount > 1 && isRightRenewal(step))
    if (isOver && !isOpen.has(step.slot)) this.#slots[step.slot] = 'dead'
    for (const path of outcome.createdPaths) this.#remember(path)
  }

  #remember(path: string): void {
    // The node by which an expiry is noticed must not be found by a random delete, and usage that
    // does not parse ends Apache's server.
    if (path.startsWith('/expiry-') || path.endsWith('/zookeeper_stats')) return
    if (this.#knownPaths.includes(path)) return
    if (this.#knownPaths.length < knownPathsMax) this.#knownPaths.push(path)
    else this.#knownPaths[this.#random.between(2, knownPathsMax - 1)] = path
  }

  #world(): World {
    return {
      knownPaths: this.#knownPaths,
      lastZxid: this.#lastZxid,
      isEnsemble: this.#serverCount > 1,
    }
  }

  #onOpenSlot(slot: number): Step {
    const random = this.#random
    const kind = random.below(1000)
    if (kind < 12) return this.#renew(slot)
    if (kind < 18) return this.#badBytes(slot)
    if (kind < 26) return this.#request(slot, [closeSession])
    if (kind < 29 && this.#expiries && this.#othersOpen(slot)) return this.#expire(slot)
    if (kind < 200) return this.#pipeline(slot)
    return this.#request(slot, [anyRequest(random, this.#world())])
  }

  #othersOpen(slot: number): boolean {
    return this.#slots.some((state, other) => state === 'open' && other !== slot)
  }

  /** Several requests in one write; the last may be one that ends the connection. */
  #pipeline(slot: number): Step {
    const drafts: Draft[] = []
    const count = this.#random.between(2, 8)
    while (drafts.length < count) {
      const made = anyRequest(this.#random, this.#world())
      if (!made.alone) drafts.push(made)
    }
    if (this.#random.chance(0.05)) drafts.push(closeSession)
    return this.#request(slot, drafts)
  }

  #request(slot: number, drafts: readonly Draft[]): Step {
    const random = this.#random
    const requests = drafts.map(({ type, body, note }): Request => {
      const count = (this.#xids[slot] ?? 0) + 1
      this.#xids[slot] = count
      const odd = drafts.length === 1 && random.chance(0.03)
      const xid =
        type === opcode.auth ? -4 : type === opcode.ping ? -2 : odd ? oddXid(random) : count
      return { xid, type, body, note }
    })
    return { kind: 'requests', slot, requests }
  }

  #connect(slot: number): Step {
    this.#xids[slot] = 0
    const readOnly = this.#random.pick([false, false, true, null])
    const timeoutMs = this.#anyTimeoutMs()
    const server = this.#anyServer()
    this.#servers[slot] = server
    return { kind: 'connect', server, slot, timeoutMs, readOnly }
  }

  #renew(slot: number): Step {
    const random = this.#random
    const password = random.pick(['right', 'right', 'right', 'right', 'wrong', 'null'] as const)
    const ahead = random.chance(0.1) ? 1n + BigInt(random.below(1000)) : 0n
    const timeoutMs = this.#anyTimeoutMs()
    const dropFirst = random.chance(0.6)
    const lastZxidSeen = random.chance(0.5) ? 0n : this.#lastZxid + ahead
    const server = this.#anyServer()
    this.#servers[slot] = server
    return {
      kind: 'renew',
      server,
      slot,
      timeoutMs,
      // A server does not hear at once that a session has gone to another one.
      dropFirst: dropFirst || this.#serverCount > 1,
      password,
      lastZxidSeen,
    }
  }

  /** Of those that are there. */
  #anyServer(): number {
    if (this.#serverCount === 1) return 0
    const server = this.#random.below(this.#serverCount)
    return server === this.#killed ? (server + 1) % this.#serverCount : server
  }

  /** An ensemble takes its time to have a leader again: sessions live on meanwhile. */
  #anyTimeoutMs(): number {
    return this.#random.pick(timeoutsMs) * (this.#serverCount === 1 ? 1 : 10)
  }

  /** One server goes now and then, and comes back before the next. */
  #restart(): Step | null {
    const killed = this.#killed
    if (killed === null) {
      if (!this.#random.chance(0.003)) return null
      this.#killed = this.#random.below(this.#serverCount)
      return { kind: 'kill', server: this.#killed }
    }
    if (!this.#random.chance(0.02)) return null
    this.#killed = null
    return { kind: 'start', server: killed }
  }

  #renewDead(slot: number): Step {
    return {
      kind: 'renew',
      server: this.#anyServer(),
      slot,
      timeoutMs: 30_000,
      dropFirst: true,
      password: 'right',
      lastZxidSeen: 0n,
    }
  }

  /** A short session of its own with an ephemeral node, dropped; others see its end. */
  #expire(slot: number): Step {
    const ephemeralPath = `/expiry-${this.#expiryCount++}`
    const body = new WireWriter().string(ephemeralPath).buffer(null).acl(openAcl).int(1).toBytes()
    const made = { type: opcode.create, body, note: `${ephemeralPath} flags=1`, alone: false }
    this.#queued.push(
      {
        kind: 'renew',
        server: this.#servers[slot] ?? 0,
        slot,
        timeoutMs: 4_000,
        dropFirst: true,
        password: 'right',
        lastZxidSeen: 0n,
      },
      { kind: 'expire', slot, ephemeralPath },
    )
    return this.#request(slot, [made])
  }

  #badBytes(slot: number): Step {
    const { bytes, note } = this.#random.pick(badFrames)
    return { kind: 'bytes', slot, bytes, note }
  }

  #stranger(): Step {
    const { bytes, note } = this.#random.pick(strangers)
    return { kind: 'stranger', server: this.#anyServer(), bytes, note }
  }
}

const closeSession: Draft = {
  type: opcode.closeSession,
  body: Buffer.alloc(0),
  note: 'closeSession',
  alone: true,
}

function endsSession(step: Step): step is Step & { readonly slot: number } {
  if (step.kind === 'expire') return true
  return step.kind === 'requests' && step.requests.some(({ type }) => type === opcode.closeSession)
}

/** Where it is refused, the session is not there any more, or its client has seen the future. */
function isRightRenewal(step: Step): step is Step & { readonly slot: number } {
  return step.kind === 'renew' && step.password === 'right'
}

function oddXid(random: Prng): number {
  return random.pick([0, -4, -8, -3, 0x7fffffff, -0x80000000])
}

interface Oddity {
  readonly bytes: Bytes
  readonly note: string
}

function frame(payload: Uint8Array): Bytes {
  return new WireWriter().buffer(payload).toBytes()
}

const badFrames: readonly Oddity[] = [
  { bytes: frame(Buffer.alloc(0)), note: 'empty frame' },
  { bytes: frame(Buffer.from([1, 2, 3])), note: 'frame of three bytes' },
  { bytes: frame(Buffer.alloc(7)), note: 'frame of seven bytes' },
  { bytes: new WireWriter().int(-1).toBytes(), note: 'length -1' },
  { bytes: new WireWriter().int(-0x80000000).toBytes(), note: 'lowest length' },
  { bytes: new WireWriter().int(0x7fffffff).toBytes(), note: 'highest length' },
  { bytes: new WireWriter().int(1_048_576).toBytes(), note: 'length just above the limit' },
  { bytes: frame(connectPayload({})), note: 'a second connect request' },
  { bytes: Buffer.from('ruok'), note: 'a four-letter word after the handshake' },
]

const strangers: readonly Oddity[] = [
  { bytes: frame(Buffer.alloc(0)), note: 'empty frame' },
  { bytes: frame(Buffer.alloc(20)), note: 'connect request cut short' },
  { bytes: frame(connectPayload({}).subarray(0, 43)), note: 'connect request without its end' },
  { bytes: frame(connectPayload({ lastZxidSeen: 1n << 60n })), note: 'a client from the future' },
  { bytes: frame(connectPayload({ sessionId: 12345n })), note: 'a session that never was' },
  { bytes: new WireWriter().int(-1).toBytes(), note: 'length -1' },
  { bytes: new WireWriter().int(0x7fffffff).toBytes(), note: 'highest length' },
  { bytes: new WireWriter().int(1_048_576).toBytes(), note: 'length just above the limit' },
  { bytes: Buffer.from('ruok'), note: 'ruok' },
  { bytes: Buffer.from('ruok\n'), note: 'ruok with a newline' },
  { bytes: Buffer.from('isro'), note: 'isro' },
  { bytes: Buffer.from('crst'), note: 'crst' },
  { bytes: Buffer.from('srst'), note: 'srst' },
  { bytes: Buffer.from('nope'), note: 'an unknown word' },
  { bytes: Buffer.from('GET / HTTP/1.0\r\n\r\n'), note: 'an HTTP request' },
]

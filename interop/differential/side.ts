/**
 * One of the two sides of a differential run, a server or an ensemble: performs a step on it and
 * tells what every client saw. After each step all other connections are pinged; a server queues a
 * notification before any later answer, so after the ping everything the step caused has arrived.
 * Of several servers each is brought up to date before that, by a client of its own.
 */
import type { Ensemble } from '../peers/ensemble.ts'
import { RawConnection } from '../peers/raw-connection.ts'
import { RawSession } from '../peers/raw-session.ts'
import {
  type Bytes,
  connectPayload,
  opcode,
  readConnectResponse,
  readReplyHeader,
  requestPayload,
  WireReader,
  WireWriter,
  xids,
} from '../peers/wire.ts'
import { Normaliser } from './normaliser.ts'
import type { Request, Step } from './step.ts'

export interface Outcome {
  /** One line for each thing a client saw, equal on both servers when they behave alike. */
  readonly lines: readonly string[]
  /** Slots with a live connection. */
  readonly openSlots: readonly number[]
  /** Paths that successful creates answered. */
  readonly createdPaths: readonly string[]
  readonly lastZxid: bigint
}

/** The servers of a side: one, or an ensemble. */
export interface Servers {
  readonly ports: readonly number[]
  /** Null where its processes are somebody else's. */
  readonly ensemble: Ensemble | null
}

interface Slot {
  connection: RawConnection
  server: number
  sessionId: bigint
  password: Bytes
}

const pollMs = 200
const expiryTimeoutMs = 60_000
/** They say nothing while a step takes its time. */
const watcherTimeoutMs = 600_000
const syncTimeoutMs = 10_000

export class Side implements AsyncDisposable {
  readonly #servers: Servers
  /** Where there are several servers: a client of each. */
  readonly #watchers = new Map<number, RawSession>()
  readonly #slots = new Map<number, Slot>()
  readonly #normaliser = new Normaliser()

  private constructor(servers: Servers) {
    this.#servers = servers
  }

  static async open(servers: Servers): Promise<Side> {
    const side = new Side(servers)
    if (servers.ports.length > 1) {
      for (const server of servers.ports.keys()) await side.#watch(server)
    }
    return side
  }

  async perform(step: Step): Promise<Outcome> {
    const lines = await this.#act(step)
    await this.#bringUpToDate()
    lines.push(...(await this.#settle()))
    return {
      lines: hasNoOrder(step) ? lines.sort() : lines,
      openSlots: this.#openSlots(),
      createdPaths: this.#normaliser.takeCreatedPaths(),
      lastZxid: this.#normaliser.lastZxid,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watcher of this.#watchers.values()) await watcher[Symbol.asyncDispose]()
    for (const { connection } of this.#slots.values()) connection.destroy()
  }

  /** A leader of Apache's answers a `sync` like any read: it is repeated until all are there. */
  async #bringUpToDate(): Promise<void> {
    const root = new WireWriter().string('/')
    const { lastZxid } = this.#normaliser
    // An epoch begins without a transaction: some servers show its beginning, some do not.
    if (BigInt.asUintN(32, lastZxid) === 0n) return
    const deadline = Date.now() + syncTimeoutMs
    for (const watcher of this.#watchers.values()) {
      while ((await watcher.request(opcode.sync, root)).zxid < lastZxid) {
        if (Date.now() > deadline) throw new Error(`a server does not come to ${lastZxid}`)
      }
    }
  }

  #openSlots(): number[] {
    return [...this.#slots].flatMap(([slot, { connection }]) =>
      connection.exhausted ? [] : [slot],
    )
  }

  async #act(step: Step): Promise<string[]> {
    switch (step.kind) {
      case 'connect':
        return await this.#connect(step, connectPayload(step))
      case 'renew':
        return await this.#renew(step)
      case 'requests':
        return await this.#request(step.slot, step.requests)
      case 'bytes':
        this.#slots.get(step.slot)?.connection.sendBytes(step.bytes)
        await this.#slots.get(step.slot)?.connection.untilClosed()
        return []
      case 'stranger':
        return await this.#stranger(step.server, step.bytes)
      case 'kill':
        return await this.#kill(step.server)
      case 'start':
        return await this.#start(step.server)
      case 'expire':
        return await this.#expire(step.slot, step.ephemeralPath)
    }
  }

  #dial(server: number): Promise<RawConnection> {
    return RawConnection.open(this.#servers.ports[server] ?? 0)
  }

  async #connect(
    { slot, server }: { readonly slot: number; readonly server: number },
    payload: Bytes,
  ): Promise<string[]> {
    const connection = await this.#dial(server)
    connection.send(payload)
    const answer = await connection.next()
    if (answer === null) return [`slot ${slot}: closed without an answer`]
    const line = `slot ${slot}: ${this.#normaliser.connectResponse(answer)}`
    const { timeoutMs, sessionId, password } = readConnectResponse(answer)
    if (timeoutMs === 0) {
      await connection.untilClosed()
      return [line, `slot ${slot}: closed after the answer`]
    }
    const secret = password ?? Buffer.alloc(0)
    this.#slots.set(slot, { connection, server, sessionId, password: secret })
    return [line]
  }

  async #renew(step: Step & { kind: 'renew' }): Promise<string[]> {
    const slot = this.#slots.get(step.slot)
    if (slot === undefined) throw new Error(`slot ${step.slot} never had a session`)
    const passwords = { right: slot.password, wrong: Buffer.alloc(16, 7), null: null }
    if (step.dropFirst) slot.connection.destroy()
    const payload = connectPayload({
      sessionId: slot.sessionId,
      password: passwords[step.password],
      timeoutMs: step.timeoutMs,
      lastZxidSeen: step.lastZxidSeen,
    })
    if (step.dropFirst) await slot.connection.untilClosed()
    const lines = await this.#connect(step, payload)
    // Any answer, even a refusal, ends the connection that had the session until then.
    const answered = lines.some((line) => line.includes(' connected '))
    if (step.dropFirst || !answered) return lines
    await slot.connection.untilClosed()
    return [...lines, `slot ${step.slot}: the old connection was closed`]
  }

  async #request(slotNumber: number, requests: readonly Request[]): Promise<string[]> {
    const slot = this.#slots.get(slotNumber)
    if (slot === undefined) throw new Error(`slot ${slotNumber} has no connection`)
    const { connection } = slot
    connection.send(...requests.map(({ xid, type, body }) => requestPayload(xid, type, body)))
    const lines: string[] = []
    let answered = 0
    while (answered < requests.length) {
      const payload = await connection.next()
      if (payload === null) {
        lines.push(`slot ${slotNumber}: closed`)
        break
      }
      if (this.#normaliser.isNotification(payload)) {
        lines.push(`slot ${slotNumber}: ${this.#normaliser.notification(payload)}`)
        continue
      }
      const type = requests[answered]?.type ?? 0
      lines.push(`slot ${slotNumber}: ${this.#normaliser.reply(payload, type)}`)
      answered++
      // A ping sent before the close might still be answered, or might not: wait for the close.
      if (type === opcode.closeSession || announcesClose(payload)) await connection.untilClosed()
    }
    return lines
  }

  async #watch(server: number): Promise<void> {
    const port = this.#servers.ports[server] ?? 0
    this.#watchers.set(server, await RawSession.open(port, watcherTimeoutMs))
  }

  /** Its clients lose their connections; where it led, so do those of all others. */
  async #kill(server: number): Promise<string[]> {
    const { ensemble } = this.#servers
    const victim = ensemble?.members[server]
    if (ensemble === null || victim === undefined) return []
    const role = await victim.mode()
    await victim.kill()
    const lost = [...this.#servers.ports.keys()].filter((it) => role === 'leader' || it === server)
    for (const slot of this.#slots.values()) {
      if (lost.includes(slot.server)) await slot.connection.untilClosed()
    }
    const leader = await ensemble.leader()
    await ensemble.serving(...ensemble.running.map(({ id }) => id))
    for (const it of lost) {
      await this.#watchers.get(it)?.[Symbol.asyncDispose]()
      this.#watchers.delete(it)
      if (it !== server) await this.#watch(it)
    }
    return [`server ${server}, a ${role}, is gone; server ${leader.id - 1} leads`]
  }

  async #start(server: number): Promise<string[]> {
    const { ensemble } = this.#servers
    if (ensemble === null) return []
    await ensemble.start(server + 1)
    await this.#watch(server)
    return [`server ${server} is back`]
  }

  async #stranger(server: number, bytes: Bytes): Promise<string[]> {
    const connection = await this.#dial(server)
    connection.sendBytes(bytes)
    await connection.untilClosed()
    const lines: string[] = []
    for (
      let payload = await connection.next();
      payload !== null;
      payload = await connection.next()
    ) {
      lines.push(`stranger: ${this.#normaliser.connectResponse(payload)}`)
    }
    const leftover = connection.leftover().toString('latin1')
    return [
      ...lines,
      `stranger: closed${leftover === '' ? '' : ` after ${JSON.stringify(leftover)}`}`,
    ]
  }

  /** Polls through another client until the dropped session's ephemeral node has gone. */
  async #expire(slotNumber: number, ephemeralPath: string): Promise<string[]> {
    const slot = this.#slots.get(slotNumber)
    slot?.connection.destroy()
    await slot?.connection.untilClosed()
    const observer = this.#openSlots()[0]
    if (observer === undefined) throw new Error('nobody is left to watch the expiry')
    const body = new WireWriter().string(ephemeralPath).byte(0).toBytes()
    const poll: Request = { xid: 1, type: opcode.exists, body, note: 'poll' }
    const events: string[] = []
    const deadline = Date.now() + expiryTimeoutMs
    while (Date.now() < deadline) {
      // How often it is asked differs between servers; only what the expiry caused is kept.
      const polled = await this.#request(observer, [poll])
      const settled = await this.#settle()
      events.push(...[...polled, ...settled].filter((line) => line.includes(' event ')))
      if (polled.some((line) => line.includes(' err=-101'))) return events
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
    return [...events, `slot ${slotNumber}: did not expire within ${expiryTimeoutMs} ms`]
  }

  async #settle(): Promise<string[]> {
    const drained = [...this.#slots].map(([slot, { connection }]) => this.#drain(slot, connection))
    return (await Promise.all(drained)).flat()
  }

  /** Everything that a ping brings out of one connection, the ping's own answer excepted. */
  async #drain(slot: number, connection: RawConnection): Promise<string[]> {
    if (connection.exhausted) return []
    connection.send(requestPayload(xids.ping, opcode.ping, Buffer.alloc(0)))
    const lines: string[] = []
    for (;;) {
      const payload = await connection.next()
      if (payload === null) return [...lines, `slot ${slot}: closed`]
      if (this.#normaliser.isNotification(payload)) {
        lines.push(`slot ${slot}: ${this.#normaliser.notification(payload)}`)
        continue
      }
      const xid = new WireReader(payload).int()
      const line = this.#normaliser.reply(payload, opcode.ping)
      if (xid === xids.ping) return [...lines, `slot ${slot}: after ping ${line}`]
      lines.push(`slot ${slot}: unasked ${line}`)
    }
  }
}

/** An unknown opcode (zxid -1) and failed authentication are answered, and then the server closes. */
function announcesClose(payload: Bytes): boolean {
  if (payload.length < 16) return false
  const { zxid, err } = readReplyHeader(new WireReader(payload))
  return (err === -6 && zxid === -1n) || err === -115
}

/** The ephemerals of a closed session go in no particular order, and so do their events. */
function hasNoOrder(step: Step): boolean {
  if (step.kind === 'expire') return true
  return step.kind === 'requests' && step.requests.some(({ type }) => type === opcode.closeSession)
}

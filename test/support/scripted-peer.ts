// A server by hand for tests of the client's session machine: it keeps what the machine ordered
// and sent, decoded as frames, and answers byte for byte what the test says. It knows no tree.

import { Prng } from '../../src/base/prng.ts'
import { Framer } from '../../src/core/jute/framer.ts'
import { JuteReader } from '../../src/core/jute/reader.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import { type ConnectRequest, readConnectRequest } from '../../src/core/records/connect.ts'
import type { OpCode } from '../../src/core/records/opcodes.ts'
import { watcherEvent } from '../../src/core/records/watches.ts'
import { Call } from '../../src/core/session-client/call.ts'
import type { HostPort } from '../../src/core/session-client/host-list.ts'
import type { Output } from '../../src/core/session-client/outputs.ts'
import { SessionClient } from '../../src/core/session-client/session-client.ts'
import {
  DEFAULT_OPTIONS,
  type SessionClientOptions,
} from '../../src/core/session-client/session-timers.ts'
import { Watcher, type WatchKind } from '../../src/core/session-client/watch-registry.ts'

export interface SentRequest {
  readonly xid: number
  readonly op: number
  /** Behind the header. */
  readonly body: JuteReader
}

export const SESSION_ID = 0x0100_0000_0000_0001n

export class ScriptedPeer {
  readonly machine: SessionClient<string, string>
  nowMs = 1_000
  /** Every output so far, in order. */
  readonly outputs: Output<string, string>[] = []
  /** Requests sent on the present connection and not looked at yet. */
  readonly requests: SentRequest[] = []
  connectRequest: ConnectRequest | null = null
  attempt = 0
  host: HostPort | null = null

  #framer = new Framer(1 << 24)
  #awaitsHandshake = true

  constructor(options: Partial<SessionClientOptions> = {}, hosts = ['a']) {
    this.machine = new SessionClient(
      { ...DEFAULT_OPTIONS, sessionTimeoutMs: 9_000, shuffleHosts: false, ...options },
      hosts.map((host) => ({ host, port: 2181 })),
      new Prng(1),
    )
  }

  /** Starts the machine and takes it through its first handshake. */
  connect(timeoutMs = 9_000): this {
    this.machine.start(this.nowMs)
    this.collect()
    this.accept(timeoutMs)
    return this
  }

  /** Opens the connection that the machine asked for and grants the session. */
  accept(timeoutMs = 9_000, sessionId = SESSION_ID, readOnly = false): void {
    this.open()
    this.grant(timeoutMs, sessionId, readOnly)
  }

  open(): void {
    this.machine.opened(this.attempt, this.nowMs)
    this.collect()
  }

  grant(timeoutMs = 9_000, sessionId = SESSION_ID, readOnly = false): void {
    const writer = new JuteWriter()
    writer.int(0)
    writer.int(timeoutMs)
    writer.long(sessionId)
    writer.buffer(new Uint8Array(16).fill(7))
    writer.bool(readOnly)
    this.frame(writer.view())
  }

  /** Sends an answer; `body` writes what stands behind the header. */
  reply(xid: number, zxid: number, error = 0, body: (writer: JuteWriter) => void = () => {}): void {
    const writer = new JuteWriter()
    writer.int(xid)
    writer.safeLong(zxid)
    writer.int(error)
    body(writer)
    this.frame(writer.view())
  }

  notify(type: number, path: string, zxid = -1): void {
    this.reply(-1, zxid, 0, (writer) => watcherEvent.write(writer, { type, state: 3, path }))
  }

  frame(payload: Uint8Array): void {
    const writer = new JuteWriter()
    writer.buffer(payload)
    this.bytes(writer.copy())
  }

  bytes(bytes: Uint8Array): void {
    this.machine.bytes(this.attempt, bytes, this.nowMs)
    this.collect()
  }

  breakConnection(reason = 'reset'): void {
    this.machine.closed(this.attempt, reason, this.nowMs)
    this.collect()
  }

  /** Lets time pass, waking the machine whenever it asked to be. */
  advance(ms: number): void {
    const end = this.nowMs + ms
    while (this.machine.wakeAtMs <= end) {
      this.nowMs = Math.max(this.nowMs, this.machine.wakeAtMs)
      this.machine.tick(this.nowMs)
      this.collect()
    }
    this.nowMs = end
  }

  submit(
    op: OpCode,
    path: string,
    change: (call: Call<string, string>) => void = () => {},
  ): Call<string, string> {
    const call = new Call<string, string>(op, path, path)
    change(call)
    this.machine.submit(call, this.nowMs)
    this.collect()
    return call
  }

  watch(watch: WatchKind, path: string): Watcher<string> {
    return new Watcher(watch, path, `${watch} ${path}`)
  }

  nextRequest(): SentRequest {
    const request = this.requests.shift()
    if (request === undefined) throw new Error('the machine has sent nothing more')
    return request
  }

  states(): string[] {
    return this.outputs.flatMap((output) => (output.kind === 'state' ? [output.state] : []))
  }

  kinds(): string[] {
    return this.outputs.map((output) => output.kind)
  }

  collect(): void {
    for (const output of this.machine.drain()) {
      this.outputs.push(output)
      if (output.kind === 'open') {
        this.attempt = output.attempt
        this.host = output.host
        this.requests.length = 0
        this.#framer = new Framer(1 << 24)
        this.#awaitsHandshake = true
      }
    }
    const bytes = this.machine.takeBytes()
    if (bytes !== null) this.#take(bytes.slice())
  }

  #take(bytes: Uint8Array): void {
    this.#framer.push(bytes)
    while (this.#framer.next()) {
      const frame = this.#framer.bytes.slice(this.#framer.start, this.#framer.end)
      const reader = new JuteReader(frame)
      if (this.#awaitsHandshake) {
        this.#awaitsHandshake = false
        this.connectRequest = readConnectRequest(reader)
      } else {
        this.requests.push({ xid: reader.int(), op: reader.int(), body: reader })
      }
    }
    this.#framer.keepRest()
  }
}

export function writeStat(writer: JuteWriter, zxid: number, version = 0): void {
  writer.safeLong(zxid)
  writer.safeLong(zxid)
  writer.safeLong(1)
  writer.safeLong(2)
  writer.int(version)
  writer.int(0)
  writer.int(0)
  writer.long(0n)
  writer.int(0)
  writer.int(0)
  writer.safeLong(zxid)
}

// A client of a scenario: it remembers what it asked on its connection, and says in words what
// comes back. Nothing about it is clever: xids count up, replies are told by their xid.

import { JuteReader, MalformedRecord } from '../../../src/core/jute/reader.ts'
import { JuteWriter } from '../../../src/core/jute/writer.ts'
import { readConnectResponse } from '../../../src/core/records/connect.ts'
import { errorName } from '../../../src/core/records/errors.ts'
import { replyHeader } from '../../../src/core/records/headers.ts'
import { OpCode, Xid, opName } from '../../../src/core/records/opcodes.ts'
import { EventType, KeeperState, watcherEvent } from '../../../src/core/records/watches.ts'
import { toHex } from '../../../src/base/text.ts'
import { type SessionNames, describeSession, describeText } from './describe.ts'
import { type CompoundOperation, type Operation, type Operations, isCompound } from './operation.ts'

export interface ClientContext {
  readonly operations: Operations
  readonly sessions: SessionNames
  say(line: string): void
  sessionBegan(client: ScriptedClient): void
}

export class ScriptedClient {
  readonly name: string
  readonly connection: number
  sessionId = 0n
  password: Uint8Array | null = null
  isOpen = true
  /** True while its handshake is not answered. */
  isConnecting = false
  readonly #context: ClientContext
  readonly #asked: { readonly xid: number; readonly operation: Operation | CompoundOperation }[] =
    []
  #lastXid = 0
  #received: Uint8Array = new Uint8Array(0)

  constructor(name: string, connection: number, context: ClientContext) {
    this.name = name
    this.connection = connection
    this.#context = context
  }

  /** Requests that have not been answered. */
  get unansweredCount(): number {
    return this.#asked.length
  }

  /** The whole frame of a request, whose reply will be recognised. */
  request(
    operation: Operation | CompoundOperation,
    xid: number | undefined,
    writeBody: (out: JuteWriter) => void,
  ): Uint8Array {
    const itsXid = xid ?? operation.xid ?? ++this.#lastXid
    // A ping is answered under its own xid, whatever it was asked under.
    this.#asked.push({ xid: operation.op === OpCode.ping ? Xid.ping : itsXid, operation })
    return frame((out) => {
      out.int(itsXid)
      out.int(operation.op)
      writeBody(out)
    })
  }

  /** A request was sent as bare bytes: its reply will be recognised, if it has a header. */
  expect(payload: Uint8Array): void {
    if (this.isConnecting || payload.length < 8) return
    const reader = new JuteReader(payload)
    const xid = reader.int()
    const operation = this.#context.operations.any(reader.int())
    if (operation !== undefined) {
      this.#asked.push({ xid: operation.op === OpCode.ping ? Xid.ping : xid, operation })
    }
  }

  receive(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#received.length + bytes.length)
    joined.set(this.#received)
    joined.set(bytes, this.#received.length)
    let at = 0
    while (joined.length - at >= 4) {
      const length = new DataView(joined.buffer).getInt32(at)
      if (joined.length - at - 4 < length) break
      this.#onFrame(joined.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    this.#received = joined.slice(at)
  }

  closed(): void {
    this.isOpen = false
    if (this.#received.length > 0) this.#say(`left over: ${toHex(this.#received)}`)
    this.#context.say(`${this.name} closed`)
  }

  #onFrame(payload: Uint8Array): void {
    try {
      if (this.isConnecting) this.#onConnected(payload)
      else this.#onReply(payload)
    } catch (problem) {
      if (!(problem instanceof MalformedRecord)) throw problem
      this.#say(`unreadable (${problem.message}): ${toHex(payload)}`)
    }
  }

  #onConnected(payload: Uint8Array): void {
    this.isConnecting = false
    const response = readConnectResponse(new JuteReader(payload))
    const { timeOut, sessionId, passwd, readOnly } = response
    const mode = readOnly === null ? ' old-style' : readOnly ? ' read-only' : ''
    if (timeOut <= 0) {
      const isBlank = sessionId === 0n && passwd?.every((byte) => byte === 0) === true
      this.#say(`session invalid${isBlank ? '' : ' but not blank'}${mode}`)
      return
    }
    const isNew = this.sessionId === 0n
    this.sessionId = sessionId
    this.password = passwd
    this.#context.sessionBegan(this)
    const name = describeSession(sessionId, this.#context.sessions)
    this.#say(`${isNew ? 'session' : 'session again'} ${name} timeout=${timeOut}${mode}`)
  }

  #onReply(payload: Uint8Array): void {
    const reader = new JuteReader(payload)
    const { xid, zxid, err } = replyHeader.read(reader)
    if (xid === -1) {
      const { type, state, path } = watcherEvent.read(reader)
      const odd = state === KeeperState.syncConnected && err === 0 ? '' : ` state=${state} ${err}`
      this.#say(`event z${zxid} ${eventName(type)} ${describeText(path)}${odd}`)
      return
    }
    const at = this.#asked.findIndex((one) => one.xid === xid)
    if (at < 0) {
      this.#say(`${xid} z${zxid} unasked ${errorName(err)} ${toHex(rest(reader))}`.trimEnd())
      return
    }
    const { operation } = this.#asked[at]!
    this.#asked.splice(at, 1)
    const overtaken = at === 0 ? '' : ` (before ${at} asked earlier)`
    const head = `${xid} z${zxid} ${opName(operation.op)}${overtaken}`
    if (isCompound(operation)) this.#sayAll(operation, head, err, reader)
    else this.#sayOne(operation, head, err, reader)
    if (reader.remaining > 0) this.#say(`  and ${toHex(rest(reader))}`)
  }

  #sayOne(operation: Operation, head: string, err: number, reader: JuteReader): void {
    // Only SASL answers with a body besides an error.
    const hasBody = err === 0 || reader.remaining > 0
    const body = hasBody ? operation.read(reader, this.#context.sessions) : ''
    this.#say(
      [head, ...(err === 0 ? [] : [errorName(err)]), ...(body === '' ? [] : [body])].join(' '),
    )
  }

  #sayAll(operation: CompoundOperation, head: string, err: number, reader: JuteReader): void {
    this.#say(err === 0 ? head : `${head} ${errorName(err)}`)
    if (err !== 0 && reader.remaining === 0) return
    const { sessions, operations } = this.#context
    for (const line of operation.readAll(reader, sessions, operations)) this.#say(`  ${line}`)
  }

  #say(text: string): void {
    this.#context.say(`${this.name} < ${text}`)
  }
}

/** A frame with its length before it. */
export function frame(write: (out: JuteWriter) => void): Uint8Array {
  const out = new JuteWriter()
  out.int(0)
  write(out)
  out.intAt(0, out.position - 4)
  return out.copy()
}

const rest = (reader: JuteReader): Uint8Array => {
  const { bytes, position, end } = reader
  reader.position = end
  return bytes.subarray(position, end)
}

const EVENT_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(EventType).map(([name, type]) => [type, name]),
)

const eventName = (type: number): string => EVENT_NAMES.get(type) ?? `event ${type}`

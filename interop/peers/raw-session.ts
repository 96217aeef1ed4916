/**
 * A session over a raw connection for tests that need to say exactly what is sent: one request at a
 * time, its answer awaited, notifications set aside.
 */
import { RawConnection } from './raw-connection.ts'
import {
  type Acl,
  type Bytes,
  type ConnectResponse,
  connectPayload,
  type Opcode,
  opcode,
  openAcl,
  readConnectResponse,
  readReplyHeader,
  type ReplyHeader,
  requestPayload,
  WireReader,
  WireWriter,
  xids,
} from './wire.ts'

export interface Reply extends ReplyHeader {
  readonly body: WireReader
}

export class RawSession implements AsyncDisposable {
  readonly identity: ConnectResponse
  readonly #connection: RawConnection
  readonly notifications: Bytes[] = []
  #xid: number

  private constructor(connection: RawConnection, identity: ConnectResponse, lastXid: number) {
    this.#connection = connection
    this.identity = identity
    this.#xid = lastXid
  }

  static async open(
    port: number,
    timeoutMs = 30_000,
    resume?: ConnectResponse,
  ): Promise<RawSession> {
    const connection = await RawConnection.open(port)
    const { sessionId = 0n, password = null } = resume ?? {}
    connection.send(
      connectPayload({ timeoutMs, sessionId, password: password ?? Buffer.alloc(16) }),
    )
    const answer = await connection.next()
    if (answer === null) throw new Error('the server closed instead of giving a session')
    const lastXid = resume === undefined ? 0 : xidsOfAConnection * ++resumed
    return new RawSession(connection, readConnectResponse(answer), lastXid)
  }

  /** Sends one request and answers its reply, whatever the error in it. */
  async tryRequest(type: number, body: Uint8Array, xid: number = ++this.#xid): Promise<Reply> {
    this.#connection.send(requestPayload(xid, type, body))
    for (;;) {
      const payload = await this.#connection.next()
      if (payload === null) throw new Error(`closed instead of answering opcode ${type}`)
      const reader = new WireReader(payload)
      const header = readReplyHeader(reader)
      if (header.xid !== xids.notification) return { ...header, body: reader }
      this.notifications.push(payload)
    }
  }

  /** As `tryRequest`, but an error in the reply is thrown. */
  async request(type: Opcode, body: WireWriter): Promise<Reply> {
    const reply = await this.tryRequest(type, body.toBytes())
    if (reply.err !== 0) throw new Error(`opcode ${type} was answered with error ${reply.err}`)
    return reply
  }

  async authenticate(scheme: string, secret: string): Promise<void> {
    const body = new WireWriter().int(0).string(scheme).buffer(Buffer.from(secret)).toBytes()
    const { err } = await this.tryRequest(opcode.auth, body, xids.auth)
    if (err !== 0) throw new Error(`${scheme} was refused with ${err}`)
  }

  async create(
    path: string,
    data: Uint8Array | null = null,
    flags = 0,
    acl: readonly Acl[] = openAcl,
  ): Promise<string> {
    const type = flags === 4 ? opcode.createContainer : opcode.create
    const body = new WireWriter().string(path).buffer(data).acl(acl).int(flags)
    return (await this.request(type, body)).body.string() ?? ''
  }

  async createTtl(path: string, ttlMs: bigint, flags: 5 | 6 = 5): Promise<void> {
    const body = new WireWriter().string(path).buffer(null).acl(openAcl).int(flags).long(ttlMs)
    await this.request(opcode.createTTL, body)
  }

  async setData(path: string, data: Uint8Array | null): Promise<void> {
    await this.request(opcode.setData, new WireWriter().string(path).buffer(data).int(-1))
  }

  async delete(path: string): Promise<void> {
    await this.request(opcode.delete, new WireWriter().string(path).int(-1))
  }

  async closeSession(): Promise<void> {
    await this.request(opcode.closeSession, new WireWriter())
    await this.#connection.untilClosed()
  }

  /** Leaves without closing the session. */
  drop(): void {
    this.#connection.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.destroy()
  }
}

/**
 * A client counts its requests for as long as its session lives, over all its connections. A server
 * may take one request for another where two of a session have the same number.
 */
const xidsOfAConnection = 10_000
let resumed = 0

// A session on one connection, for figures that want to know of each single answer when it came: no
// reconnecting, no waiting, no heartbeats. What happens to the connection happens to its requests.

import { type Socket, connect } from 'node:net'
import { Framer } from '../src/core/jute/framer.ts'
import { JuteReader } from '../src/core/jute/reader.ts'
import type { Target } from './load.ts'
import { handshake } from './plan.ts'

export class RawSession {
  readonly #socket: Socket
  readonly #framer = new Framer(64 << 20)
  readonly #reader = new JuteReader(new Uint8Array(0))
  /** Who waits for answers, in the order of the requests; the first waits for the session. */
  readonly #waiting: { answered: (error: number) => void; broken: (why: Error) => void }[] = []
  #isOpen = false
  #xid = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#onData(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const { broken } of this.#waiting.splice(0)) broken(new Error('the connection closed'))
    })
  }

  /** Rejects where there is no session to be had. */
  static async open({ host, port }: Target): Promise<RawSession> {
    const session = new RawSession(connect({ host, port, noDelay: true }))
    const timeoutMs = await session.#send(Buffer.from(handshake()))
    if (timeoutMs <= 0) throw new Error('the server gives no session')
    return session
  }

  /** Resolves to the error code of the answer. */
  request(frame: Uint8Array): Promise<number> {
    const bytes = Buffer.from(frame)
    bytes.writeInt32BE(++this.#xid, 4)
    return this.#send(bytes)
  }

  end(): void {
    this.#socket.destroy()
  }

  #send(bytes: Uint8Array): Promise<number> {
    if (this.#socket.destroyed) return Promise.reject(new Error('the connection is closed'))
    return new Promise((answered, broken) => {
      this.#waiting.push({ answered, broken })
      this.#socket.write(bytes)
    })
  }

  #onData(chunk: Uint8Array): void {
    this.#framer.push(chunk)
    while (this.#framer.next()) {
      this.#reader.reset(this.#framer.bytes, this.#framer.start, this.#framer.end)
      this.#reader.int()
      if (this.#isOpen) this.#reader.long()
      this.#isOpen = true
      // The timeout of the session, and from then on error codes.
      this.#waiting.shift()?.answered(this.#reader.int())
    }
    this.#framer.keepRest()
  }
}

/**
 * A TCP connection that speaks in frames and understands none of them: what is sent leaves exactly
 * so, and everything that comes back is kept in order, the close included.
 */
import { connect, type Socket } from 'node:net'
import type { Bytes } from './wire.ts'

const answerTimeoutMs = 20_000

export class RawConnection {
  readonly #socket: Socket
  readonly #frames: Bytes[] = []
  #pending: Bytes = Buffer.alloc(0)
  #closed = false
  #wake: (() => void) | null = null

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#onData(chunk))
    // A reset is a close as well; 'close' follows either way.
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#closed = true
      this.#wake?.()
    })
  }

  static open(port: number, host = '127.0.0.1'): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawConnection(socket))
      })
    })
  }

  /** True when the server has closed and every frame it sent before has been taken. */
  get exhausted(): boolean {
    return this.#closed && this.#frames.length === 0
  }

  /** Sends payloads, each with its length before it, in one write. */
  send(...payloads: readonly Uint8Array[]): void {
    const parts = payloads.flatMap((payload) => {
      const length = Buffer.alloc(4)
      length.writeInt32BE(payload.length)
      return [length, payload]
    })
    this.sendBytes(Buffer.concat(parts))
  }

  sendBytes(bytes: Uint8Array): void {
    if (!this.#closed) this.#socket.write(bytes)
  }

  /** The next frame's payload, or null when the server has closed. */
  async next(timeoutMs: number = answerTimeoutMs): Promise<Bytes | null> {
    while (this.#frames.length === 0) {
      if (this.#closed) return null
      await this.#moreOrTimeout(timeoutMs)
    }
    return this.#frames.shift() ?? null
  }

  /** Waits until the server closes; frames that come before it stay readable. */
  async untilClosed(timeoutMs: number = answerTimeoutMs): Promise<void> {
    while (!this.#closed) await this.#moreOrTimeout(timeoutMs)
  }

  /** Bytes received after the last whole frame. */
  leftover(): Bytes {
    return this.#pending
  }

  /** Drops the connection as a crashed client would: a reset, no farewell. */
  destroy(): void {
    this.#socket.resetAndDestroy()
  }

  #onData(chunk: Bytes): void {
    let pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    while (pending.length >= 4) {
      const length = pending.readInt32BE(0)
      if (length < 0) throw new Error(`the server sent a frame of ${length} bytes`)
      if (pending.length < 4 + length) break
      this.#frames.push(pending.subarray(4, 4 + length))
      pending = pending.subarray(4 + length)
    }
    this.#pending = pending
    this.#wake?.()
  }

  #moreOrTimeout(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#wake = null
        reject(new Error(`the server neither answered nor closed within ${timeoutMs} ms`))
      }, timeoutMs)
      this.#wake = () => {
        this.#wake = null
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

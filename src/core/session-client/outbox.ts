// What leaves on the present connection: it numbers requests, writes them into one array for the
// whole turn, and remembers the pings that have no answer yet. It does not decide what is sent.

import { Ring } from '../../base/ring.ts'
import type { Zxid } from '../../base/zxid.ts'
import { JuteWriter } from '../jute/writer.ts'
import { type ConnectRequest, writeConnectRequest } from '../records/connect.ts'
import { OpCode, Xid } from '../records/opcodes.ts'
import {
  authPacket,
  setWatches2Request,
  setWatchesRequest,
  watcherRequest,
} from '../records/requests.ts'
import type { Call } from './call.ts'
import { beginFrame, encodeBare, encodeRequest, endFrame } from './encode-request.ts'
import type { AuthIdentity } from './identities.ts'
import type { WatchBatch, WatchRemoval } from './watch-registry.ts'

export class Outbox {
  readonly #writer = new JuteWriter(4_096)
  readonly #pings: Ring<number> = new Ring()
  #nextXid = 1

  /** Bytes that wait to be taken. */
  get pendingBytes(): number {
    return this.#writer.position
  }

  /** Pings that have no answer yet. */
  get pings(): number {
    return this.#pings.length
  }

  /** What is to be sent, or null; valid until the next write. */
  take(): Uint8Array | null {
    if (this.#writer.position === 0) return null
    const bytes = this.#writer.view()
    this.#writer.resetWithin(IDLE_BYTES_MAX)
    return bytes
  }

  /** The connection is gone, and with it all that was meant for it. */
  clear(): void {
    this.#writer.reset()
    this.#pings.clear()
  }

  connect(request: Omit<ConnectRequest, 'lastZxidSeen'> & { readonly lastZxidSeen: Zxid }): void {
    const start = beginFrame(this.#writer)
    writeConnectRequest(this.#writer, request)
    endFrame(this.#writer, start)
  }

  /** Returns the xid, or null where the request would be larger than `bytesMax`: then nothing is sent. */
  call(call: Call<unknown, unknown>, bytesMax: number): number | null {
    const start = this.#writer.position
    const length = encodeRequest(this.#writer, call, this.#nextXid)
    if (length <= bytesMax) return this.#takeXid()
    this.#writer.position = start
    return null
  }

  ping(nowMs: number): void {
    encodeBare(this.#writer, Xid.ping, OpCode.ping)
    this.#pings.push(nowMs)
  }

  /** When the oldest ping without an answer was sent; null where there is none. */
  takePing(): number | null {
    return this.#pings.length === 0 ? null : this.#pings.shift()
  }

  auth({ scheme, data }: AuthIdentity): void {
    const start = this.#beginRequest(Xid.auth, OpCode.auth)
    authPacket.write(this.#writer, { type: 0, scheme, auth: data })
    endFrame(this.#writer, start)
  }

  closeSession(): number {
    const xid = this.#takeXid()
    encodeBare(this.#writer, xid, OpCode.closeSession)
    return xid
  }

  setWatches(relativeZxid: Zxid, batch: WatchBatch): number {
    const xid = this.#takeXid()
    // Servers before 3.6 do not know the second form.
    const isClassic = batch.persistent.length === 0 && batch.recursive.length === 0
    const op = isClassic ? OpCode.setWatches : OpCode.setWatches2
    const start = this.#beginRequest(xid, op)
    const classic = {
      relativeZxid: BigInt(relativeZxid),
      dataWatches: batch.data,
      existWatches: batch.exist,
      childWatches: batch.child,
    }
    if (isClassic) setWatchesRequest.write(this.#writer, classic)
    else {
      setWatches2Request.write(this.#writer, {
        ...classic,
        persistentWatches: batch.persistent,
        persistentRecursiveWatches: batch.recursive,
      })
    }
    endFrame(this.#writer, start)
    return xid
  }

  removeWatches(removal: WatchRemoval): number {
    const xid = this.#takeXid()
    const start = this.#beginRequest(xid, OpCode.removeWatches)
    watcherRequest.write(this.#writer, removal)
    endFrame(this.#writer, start)
    return xid
  }

  #beginRequest(xid: number, op: OpCode): number {
    const start = beginFrame(this.#writer)
    this.#writer.int(xid)
    this.#writer.int(op)
    return start
  }

  /** From 1 up; 0 and below mean something else. */
  #takeXid(): number {
    const xid = this.#nextXid
    this.#nextXid = xid === 0x7fffffff ? 1 : xid + 1
    return xid
  }
}

const IDLE_BYTES_MAX = 1 << 20

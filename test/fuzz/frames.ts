// Frames of the client protocol as a test sends them and reads them back.

import { assert } from '../../src/base/assert.ts'
import { Framer } from '../../src/core/jute/framer.ts'
import { JuteReader } from '../../src/core/jute/reader.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import {
  type ConnectResponse,
  readConnectResponse,
  writeConnectRequest,
} from '../../src/core/records/connect.ts'
import { type ReplyHeader, replyHeader } from '../../src/core/records/headers.ts'
import { ZXID_ZERO } from '../../src/base/zxid.ts'

/** A frame: its length, then what `write` writes. */
export function frame(write: (out: JuteWriter) => void): Uint8Array {
  const out = new JuteWriter()
  out.int(0)
  write(out)
  out.intAt(0, out.position - 4)
  return out.copy()
}

export const request = (xid: number, op: number, body: (out: JuteWriter) => void): Uint8Array =>
  frame((out) => {
    out.int(xid)
    out.int(op)
    body(out)
  })

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export interface Handshake {
  readonly timeOut?: number
  readonly sessionId?: bigint
  readonly passwd?: Uint8Array | null
  readonly readOnly?: boolean | null
}

export const handshake = (fields: Handshake = {}): Uint8Array =>
  frame((out) => {
    writeConnectRequest(out, {
      protocolVersion: 0,
      lastZxidSeen: ZXID_ZERO,
      timeOut: 10_000,
      sessionId: 0n,
      passwd: new Uint8Array(16),
      readOnly: false,
      ...fields,
    })
  })

export interface Reply extends ReplyHeader {
  readonly body: JuteReader
}

/** Reads what a server sends: one answer to the handshake, then replies and notifications. */
export class ReplyStream {
  connected: ConnectResponse | null = null
  readonly #framer = new Framer(64 << 20)

  /** The replies that are complete with this chunk. Throws where the bytes are no frames. */
  push(chunk: Uint8Array): readonly Reply[] {
    const framer = this.#framer
    const replies: Reply[] = []
    framer.push(chunk)
    while (framer.next()) {
      const frameBytes = framer.bytes.slice(framer.start, framer.end)
      const body = new JuteReader(frameBytes)
      if (this.connected === null) {
        this.connected = readConnectResponse(body)
        assert(body.remaining === 0, 'the answer to the handshake is longer than it should be')
      } else {
        replies.push({ ...replyHeader.read(body), body })
      }
    }
    assert(framer.problem === null, () => `the server sent: ${framer.problem}`)
    framer.keepRest()
    return replies
  }
}

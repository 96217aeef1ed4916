// Transactions as they stand on the disk, read by the checkers with a reader of their own: a file
// is followed from record to record up to the first that is not whole.

import { ADLER_SEED, adler32 } from '../../base/checksum.ts'
import { JuteReader, MalformedRecord } from '../../core/jute/reader.ts'
import type { Codec } from '../../core/jute/schema.ts'
import { OpCode } from '../../core/records/opcodes.ts'
import * as txns from '../../core/records/txn.ts'

/** A transaction, or one part of a multi. */
export interface TxnPart {
  readonly type: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface ModelTxn extends TxnPart {
  readonly header: txns.TxnHeader
  /** The parts of a multi, otherwise null. */
  readonly parts: readonly TxnPart[] | null
  readonly digest: bigint | null
  readonly bytes: Uint8Array
}

const FILE_HEADER_BYTES = 16
const RECORD_HEADER_BYTES = 12
const RECORD_END = 0x42

const BODIES: ReadonlyMap<number, Codec<unknown>> = new Map<number, Codec<unknown>>([
  [OpCode.create, txns.createTxn as Codec<unknown>],
  [OpCode.create2, txns.createTxn as Codec<unknown>],
  [OpCode.createContainer, txns.createContainerTxn as Codec<unknown>],
  [OpCode.createTTL, txns.createTtlTxn as Codec<unknown>],
  [OpCode.delete, txns.deleteTxn as Codec<unknown>],
  [OpCode.deleteContainer, txns.deleteTxn as Codec<unknown>],
  [OpCode.setData, txns.setDataTxn as Codec<unknown>],
  [OpCode.reconfig, txns.setDataTxn as Codec<unknown>],
  [OpCode.setACL, txns.setAclTxn as Codec<unknown>],
  [OpCode.check, txns.checkVersionTxn as Codec<unknown>],
  [OpCode.createSession, txns.createSessionTxn as Codec<unknown>],
  [OpCode.closeSession, txns.closeSessionTxn as Codec<unknown>],
  [OpCode.error, txns.errorTxn as Codec<unknown>],
  [OpCode.multi, txns.multiTxn as Codec<unknown>],
])

/** Follows one log file as it grows. */
export class LogFollower {
  #offset = FILE_HEADER_BYTES

  /** Where the first record that has not been returned begins. */
  get offset(): number {
    return this.#offset
  }

  /** The whole records that `content` holds behind those already returned. */
  next(content: Uint8Array): ModelTxn[] {
    const found: ModelTxn[] = []
    for (;;) {
      const at = this.#offset
      if (at + RECORD_HEADER_BYTES > content.length) return found
      const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
      const checksum = view.getUint32(at + 4)
      const length = view.getInt32(at + 8)
      const start = at + RECORD_HEADER_BYTES
      if (length <= 0 || start + length + 1 > content.length) return found
      if (view.getUint32(at) !== 0 || content[start + length] !== RECORD_END) return found
      const bytes = content.slice(start, start + length)
      if (adler32(ADLER_SEED, bytes, 0, length) !== checksum) return found
      found.push(decodeTxn(bytes))
      this.#offset = start + length + 1
    }
  }
}

export function decodeTxn(bytes: Uint8Array): ModelTxn {
  const reader = new JuteReader(bytes)
  const header = txns.txnHeader.read(reader)
  const part = readPart(header.type, reader)
  const parts =
    header.type !== OpCode.multi
      ? null
      : (part.body['txns'] as { type: number; data: Uint8Array }[]).map(({ type, data }) =>
          readPart(type, new JuteReader(data)),
        )
  const digest = reader.remaining === 0 ? null : txns.txnDigest.read(reader).treeDigest
  return { ...part, header, parts, digest, bytes }
}

function readPart(type: number, reader: JuteReader): TxnPart {
  const codec = BODIES.get(type)
  if (codec === undefined) throw new MalformedRecord(`a transaction of type ${type}`)
  return { type, body: codec.read(reader) as Record<string, unknown> }
}

// Requests as the checkers see them: decoded from the very bytes that reached the server.

import { MalformedRecord, JuteReader } from '../../core/jute/reader.ts'
import type { Codec, Decoded } from '../../core/jute/schema.ts'
import type { Acl } from '../../core/records/acl.ts'
import { multiHeader } from '../../core/records/multi.ts'
import { OpCode, isCreateMode, isEphemeral } from '../../core/records/opcodes.ts'
import * as requests from '../../core/records/requests.ts'

/** One operation that may change something; fields that an operation does not have are at rest. */
export interface WriteOp {
  readonly op: number
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[] | null
  readonly flags: number
  readonly ttl: bigint
  readonly version: number
}

export interface ModelRequest {
  readonly xid: number
  readonly op: number
  /** The decoded body; null where it has none or makes no sense. */
  readonly body: unknown
  /** The operations of a write: one, or those of a multi; null where the body makes no sense. */
  readonly ops: readonly WriteOp[] | null
}

export type ReadBody = Decoded<typeof requests.readRequest>
export type SetWatchesBody = Decoded<typeof requests.setWatches2Request>

export function decodeRequest(frame: Uint8Array): ModelRequest {
  const reader = new JuteReader(frame)
  const xid = reader.int()
  const op = reader.int()
  try {
    if (op === OpCode.multi || op === OpCode.multiRead) {
      const ops = readMulti(reader)
      return { xid, op, body: null, ops: ops.every(isMultiOp(op)) ? ops : null }
    }
    if (op === OpCode.closeSession) return { xid, op, body: null, ops: [] }
    const body = BODIES.get(op)?.read(reader) ?? null
    return { xid, op, body, ops: body === null ? null : [writeOp(op, body)] }
  } catch (error) {
    if (error instanceof MalformedRecord) return { xid, op, body: null, ops: null }
    throw error
  }
}

/** Whether a request would leave a node behind that goes with its session. */
export const createsEphemeral = ({ op, ops }: ModelRequest): boolean =>
  (op === OpCode.create || op === OpCode.create2 || op === OpCode.multi) &&
  (ops ?? []).some((one) => isCreateMode(one.flags) && isEphemeral(one.flags))

const BODIES: ReadonlyMap<number, Codec<unknown>> = new Map<number, Codec<unknown>>([
  [OpCode.create, requests.createRequest as Codec<unknown>],
  [OpCode.create2, requests.createRequest as Codec<unknown>],
  [OpCode.createContainer, requests.createRequest as Codec<unknown>],
  [OpCode.createTTL, requests.createTtlRequest as Codec<unknown>],
  [OpCode.delete, requests.deleteRequest as Codec<unknown>],
  [OpCode.setData, requests.setDataRequest as Codec<unknown>],
  [OpCode.setACL, requests.setAclRequest as Codec<unknown>],
  [OpCode.check, requests.checkVersionRequest as Codec<unknown>],
  [OpCode.exists, requests.readRequest as Codec<unknown>],
  [OpCode.getData, requests.readRequest as Codec<unknown>],
  [OpCode.getChildren, requests.readRequest as Codec<unknown>],
  [OpCode.getChildren2, requests.readRequest as Codec<unknown>],
  [OpCode.getACL, requests.pathRequest as Codec<unknown>],
  [OpCode.sync, requests.pathRequest as Codec<unknown>],
  [OpCode.getAllChildrenNumber, requests.pathRequest as Codec<unknown>],
  [OpCode.getEphemerals, requests.getEphemeralsRequest as Codec<unknown>],
  [OpCode.checkWatches, requests.watcherRequest as Codec<unknown>],
  [OpCode.removeWatches, requests.watcherRequest as Codec<unknown>],
  [OpCode.addWatch, requests.addWatchRequest as Codec<unknown>],
  [OpCode.setWatches, requests.setWatchesRequest as Codec<unknown>],
  [OpCode.setWatches2, requests.setWatches2Request as Codec<unknown>],
  [OpCode.auth, requests.authPacket as Codec<unknown>],
])

function readMulti(reader: JuteReader): WriteOp[] {
  const ops: WriteOp[] = []
  for (;;) {
    const header = multiHeader.read(reader)
    if (header.done) return ops
    const codec = BODIES.get(header.type)
    if (codec === undefined) throw new MalformedRecord(`operation ${header.type} in a multi`)
    ops.push(writeOp(header.type, codec.read(reader)))
  }
}

const MULTI_WRITES: ReadonlySet<number> = new Set<number>([
  OpCode.create,
  OpCode.create2,
  OpCode.createContainer,
  OpCode.createTTL,
  OpCode.delete,
  OpCode.setData,
  OpCode.check,
])

const isMultiOp =
  (multi: number) =>
  ({ op }: WriteOp): boolean =>
    multi === OpCode.multi
      ? MULTI_WRITES.has(op)
      : op === OpCode.getData || op === OpCode.getChildren

function writeOp(op: number, body: unknown): WriteOp {
  const fields = body as Partial<WriteOp>
  return {
    op,
    path: fields.path ?? '',
    data: fields.data ?? null,
    acl: fields.acl ?? null,
    flags: fields.flags ?? 0,
    ttl: fields.ttl ?? -1n,
    version: fields.version ?? -1,
  }
}

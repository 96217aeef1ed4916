// Frames from a server as the checkers see them, decoded from the very bytes that were sent. Lists
// that have no order are sorted, as in what the model answers.

import { JuteReader, MalformedRecord } from '../../core/jute/reader.ts'
import type { Codec } from '../../core/jute/schema.ts'
import { replyHeader, type ReplyHeader } from '../../core/records/headers.ts'
import { multiHeader } from '../../core/records/multi.ts'
import { OpCode } from '../../core/records/opcodes.ts'
import * as responses from '../../core/records/responses.ts'
import { ErrorCode } from '../../core/records/errors.ts'

/** A body, or null for a reply that is a header alone. */
export type ReplyBody = Readonly<Record<string, unknown>> | null

export interface SentReply {
  readonly header: ReplyHeader
  /** Decodes what follows the header as the answer to an operation; all of it must be used. */
  bodyFor(op: number): ReplyBody
  /** What follows the header, to be read by other rules. */
  readonly reader: JuteReader
}

export function decodeReplyFrame(frame: Uint8Array): SentReply {
  const reader = new JuteReader(frame)
  const header = replyHeader.read(reader)
  return {
    header,
    reader,
    bodyFor(op) {
      const body = header.err === ErrorCode.Ok ? readBody(op, reader) : null
      if (reader.remaining > 0) throw new MalformedRecord(`${reader.remaining} bytes too many`)
      return body
    },
  }
}

const BODIES: ReadonlyMap<number, Codec<unknown>> = new Map<number, Codec<unknown>>([
  [OpCode.create, responses.createResponse as Codec<unknown>],
  [OpCode.create2, responses.create2Response as Codec<unknown>],
  [OpCode.createContainer, responses.create2Response as Codec<unknown>],
  [OpCode.createTTL, responses.create2Response as Codec<unknown>],
  [OpCode.exists, responses.statResponse as Codec<unknown>],
  [OpCode.setData, responses.statResponse as Codec<unknown>],
  [OpCode.setACL, responses.statResponse as Codec<unknown>],
  [OpCode.getData, responses.getDataResponse as Codec<unknown>],
  [OpCode.getACL, responses.getAclResponse as Codec<unknown>],
  [OpCode.getChildren, responses.getChildrenResponse as Codec<unknown>],
  [OpCode.getChildren2, responses.getChildren2Response as Codec<unknown>],
  [OpCode.sync, responses.syncResponse as Codec<unknown>],
  [OpCode.getEphemerals, responses.getEphemeralsResponse as Codec<unknown>],
  [OpCode.getAllChildrenNumber, responses.getAllChildrenNumberResponse as Codec<unknown>],
  [OpCode.whoAmI, responses.whoAmIResponse as Codec<unknown>],
  [OpCode.addWatch, responses.errorResponse as Codec<unknown>],
])

function readBody(op: number, reader: JuteReader): ReplyBody {
  if (op === OpCode.multi || op === OpCode.multiRead) return { results: readResults(reader) }
  const body = BODIES.get(op)?.read(reader)
  return body === undefined ? null : sorted(body as Record<string, unknown>)
}

function readResults(reader: JuteReader): unknown[] {
  const results: unknown[] = []
  for (;;) {
    const { type, done, err } = multiHeader.read(reader)
    if (done) return results
    if (type === OpCode.error) {
      const again = responses.errorResponse.read(reader).err
      if (again !== err) throw new MalformedRecord(`a result says both ${err} and ${again}`)
      results.push({ type, err })
    } else {
      results.push({ type, ...readBody(type, reader) })
    }
  }
}

function sorted(body: Record<string, unknown>): ReplyBody {
  const { children, ephemerals, clientInfo } = body
  if (Array.isArray(children)) return { ...body, children: [...children].sort() }
  if (Array.isArray(ephemerals)) return { ...body, ephemerals: [...ephemerals].sort() }
  if (!Array.isArray(clientInfo)) return body
  const byScheme = (a: { authScheme: string }, b: { authScheme: string }): number =>
    a.authScheme < b.authScheme ? -1 : 1
  return { ...body, clientInfo: [...clientInfo].sort(byScheme) }
}

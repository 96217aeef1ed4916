// One operation of the client protocol as scenarios use it: how its arguments become the body of a
// request, and how the body of a reply is shown.

import type { JuteReader } from '../../../src/core/jute/reader.ts'
import type { JuteWriter } from '../../../src/core/jute/writer.ts'
import type { SessionNames } from './describe.ts'
import type { Arguments, Word } from './words.ts'

export interface Operation {
  readonly op: number
  /** Its arguments, for people. */
  readonly usage: string
  /** The xid that clients give it; an ordinary one where it is absent. */
  readonly xid?: number
  write(args: Arguments, out: JuteWriter): void
  /** The body of a reply, which is all there is to read. */
  read(reader: JuteReader, names: SessionNames): string
}

/** An operation that holds others, written behind it with `;` between them. */
export interface CompoundOperation {
  readonly op: number
  readonly usage: string
  readonly xid?: number
  readonly parts: 'operations'
  write(parts: readonly (readonly Word[])[], out: JuteWriter, operations: Operations): void
  /** One line for each part. */
  readAll(reader: JuteReader, names: SessionNames, operations: Operations): readonly string[]
}

export interface Operations {
  byVerb(verb: string): Operation | undefined
  byCode(op: number): Operation | undefined
  any(op: number): Operation | CompoundOperation | undefined
}

export const isCompound = (
  operation: Operation | CompoundOperation,
): operation is CompoundOperation => 'parts' in operation

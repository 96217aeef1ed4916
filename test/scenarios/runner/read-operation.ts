// What the reads of one node have in common: a path, whether to watch it, lists of names.

import type { JuteReader } from '../../../src/core/jute/reader.ts'
import type { JuteWriter } from '../../../src/core/jute/writer.ts'
import { ustring, vector } from '../../../src/core/jute/schema.ts'
import { describeText } from './describe.ts'
import type { Arguments } from './words.ts'

export function writeReadRequest(args: Arguments, out: JuteWriter): void {
  const watch = args.has('watch')
  out.ustring(args.next('a path'))
  out.bool(watch)
}

/** Names or paths. No order of them is promised, so they are shown sorted. */
export function describeNames(reader: JuteReader): string {
  const names = vector(ustring).read(reader) ?? []
  return `{${[...names].sort().map(describeText).join(' ')}}`
}

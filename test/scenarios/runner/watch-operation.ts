// What the operations on watches that are set already have in common.

import { ustring, vector } from '../../../src/core/jute/schema.ts'
import type { JuteWriter } from '../../../src/core/jute/writer.ts'
import { WatcherType } from '../../../src/core/records/watches.ts'
import { type Arguments, toInteger } from './words.ts'

export const WATCHER_USAGE = `PATH ${Object.keys(WatcherType).join('|')}|NUMBER`

/** checkWatches and removeWatches. */
export function writeWatcherRequest(args: Arguments, out: JuteWriter): void {
  out.ustring(args.next('a path'))
  const type = args.nextText('a type')
  const types: Readonly<Record<string, number>> = WatcherType
  out.int(types[type] ?? toInteger(type, 'the type'))
}

/** `since=ZXID`, then each list by its name, a path at a time; `NAME=null` is a list that is null. */
export function writeWatchLists(args: Arguments, out: JuteWriter, lists: readonly string[]): void {
  out.long(BigInt(args.named('since') ?? '0'))
  for (const name of lists) {
    const paths = args.all(name)
    vector(ustring).write(out, paths.length === 1 && paths[0] === null ? null : paths)
  }
}

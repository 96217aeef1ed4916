// A medium that decays: on a copy of the disk one place is damaged, and the server is started from
// it. It may refuse, naming the file; or it comes up with everything, from what is not damaged. What
// it must never do is come up with less, or with something else. Only the last record of a log is
// spared: where it ends in the wrong byte it cannot be told from one that a crash cut short.

import { ADLER_SEED, adler32 } from '../base/checksum.ts'
import { mark } from '../base/marks.ts'
import type { Prng } from '../base/prng.ts'
import { formatZxid } from '../base/zxid.ts'
import type { PipelineSettings } from '../core/pipeline/settings.ts'
import { bootDatabase } from '../core/replica/boot.ts'
import { StorageError } from '../core/storage/storage-error.ts'
import type { StorageOptions } from '../core/storage/storage-options.ts'
import type { DataTree } from '../core/tree/data-tree.ts'
import { Database } from '../core/tree/database.ts'
import { type History, zxidIn } from './checkers/history.ts'
import { checkTree } from './checkers/tree-checker.ts'
import { Violation } from './checkers/violation.ts'
import { fakeCompression } from './fake-crypto.ts'
import type { FakeDisk } from './fake-disk.ts'

/** `disk` is damaged: pass a copy. Its durable content must be all of the history. */
export function checkRot(
  disk: FakeDisk,
  random: Prng,
  history: History,
  storage: StorageOptions,
  settings: PipelineSettings,
  makeTree: () => DataTree,
): void {
  const damage = decay(disk, random)
  if (damage === null) return
  let database: ReturnType<typeof bootDatabase>['database']
  try {
    database = bootDatabase(
      disk,
      fakeCompression,
      storage,
      () => new Database(makeTree(), settings),
    ).database
    database.dropOrphanEphemerals()
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    mark(`decay refused: ${error.code}`)
    return
  }
  mark(`decay survived: ${damage.kind}`)
  if (database.lastZxid !== history.last) {
    throw new Violation(
      'decay',
      `${damage.text}: the server comes up with ${formatZxid(database.lastZxid)} instead of ` +
        `${formatZxid(history.last)} and says nothing`,
    )
  }
  checkTree(database, history.stateAt(history.last))
}

export interface Damage {
  readonly kind: string
  /** What was done, for people. */
  readonly text: string
}

/** Damages one place that a start may need; null where there is none. */
export function decay(disk: FakeDisk, random: Prng): Damage | null {
  const files = disk
    .paths()
    .filter((path) => /\/(log|snapshot)\.[0-9a-f]+(\.gz|\.snappy)?$/.test(path))
  if (files.length === 0) return null
  // Mostly where it hurts: among the files that a start needs.
  const newestFirst = [...files].sort((a, b) => zxidIn(b) - zxidIn(a))
  const path = random.chance(0.8) ? random.pick(newestFirst.slice(0, 2)) : random.pick(files)
  const isLog = path.includes('/log.')
  const bytes = disk.read(path, 0, disk.size(path) ?? 0)
  const records = isLog ? recordsIn(bytes).slice(0, -1) : []
  const end = isLog ? (records.at(-1)?.end ?? 0) : bytes.length
  if (end === 0) return null
  // A record's head is small, and decides most.
  const at =
    random.chance(0.5) && isLog ? random.pick(records).at + random.below(12) : random.below(end)
  const damaged = bytes.slice(at, Math.min(end, at + random.pick([1, 1, 4])))
  const [first] = damaged
  const sum = adler32(ADLER_SEED, damaged, 0, damaged.length)
  for (let i = 0; i < damaged.length; i++) damaged[i]! ^= 1 << random.below(8)
  // ZooKeeper's files have no better sum than this one; what it cannot see nobody can.
  if (adler32(ADLER_SEED, damaged, 0, damaged.length) === sum) damaged[0] = first!
  disk.corrupt(path, at, damaged)
  const kind = isLog ? 'log' : 'snapshot'
  return { kind, text: `${path} has ${damaged.length} wrong bytes at ${at}` }
}

const LOG_HEADER_BYTES = 16
const RECORD_FRAME_BYTES = 13

function recordsIn(bytes: Uint8Array): readonly { readonly at: number; readonly end: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records: { at: number; end: number }[] = []
  for (let at = LOG_HEADER_BYTES; at + RECORD_FRAME_BYTES <= bytes.length; ) {
    const length = view.getInt32(at + 8)
    if (length <= 0) break
    records.push({ at, end: at + RECORD_FRAME_BYTES + length })
    at += RECORD_FRAME_BYTES + length
  }
  return records
}

// Ways to break a server, from outside of its code: each stands for a kind of bug, and the checkers
// must notice it. A test runs them all; nothing of this is in production code.

import { ADLER_SEED, adler32 } from '../base/checksum.ts'
import type { Zxid } from '../base/zxid.ts'
import type { Pump } from '../core/replica/pump.ts'
import { Xid } from '../core/records/opcodes.ts'
import type { Storage } from '../core/storage/storage.ts'
import type { DataTree, OwnerRules, Row } from '../core/tree/data-tree.ts'
import { NaiveTree } from '../core/tree/naive-tree.ts'
import type { ConnectionId } from '../ports/client-network.ts'
import { FrameCutter } from './checkers/frame-cutter.ts'
import type { DiskLies, FakeDisk } from './fake-disk.ts'
import type { SimOptions } from './sim-options.ts'

export interface Breakage {
  /** The checker that must notice, as its message begins. */
  readonly foundBy: RegExp
  /** What must happen in a run for this to show. */
  readonly options?: Partial<SimOptions>
  readonly diskLies?: DiskLies
  /** Changes what a client sent before the server sees it, behind the checkers. */
  readonly bytesIn?: (connection: ConnectionId, bytes: Uint8Array) => Uint8Array
  /** Changes what the server sends before anyone sees it; it may vanish altogether. */
  readonly bytesOut?: (connection: ConnectionId, bytes: Uint8Array) => Uint8Array
  /** Does something to the server after the end of a turn. */
  readonly afterTurn?: (pump: Pump, storage: Storage) => void
  /** Does something to the disk while the server is down. */
  readonly whileDown?: (disk: FakeDisk) => void
  /** The server's tree, with a bug. */
  readonly makeTree?: (rules: OwnerRules) => DataTree
  /** How fast the server's steady clock runs; 1 is right. */
  readonly clockSpeed?: number
}

const BUSY: Partial<SimOptions> = { crashEvery: 300, clients: 4, linkFaultEvery: 0 }
const CRASHING: Partial<SimOptions> = { crashEvery: 150, clients: 4, powerLoss: 1, snapCount: 10 }

/** Makes a breakage; each run needs one of its own, since some count. */
export const BREAKAGES: Readonly<Record<string, () => Breakage>> = {
  'a disk that does not sync': () => ({
    foundBy: /(^durable before shown|which is not durable)/,
    diskLies: { syncDoesNothing: true },
  }),
  'a directory that is not synced': () => ({
    foundBy: /(^durable before shown|which is not durable)/,
    diskLies: { directorySyncDoesNothing: true },
  }),
  'acknowledged before the sync': () => ({
    foundBy: /(^durable before shown|which is not durable)/,
    afterTurn: (pump, storage) => {
      if (storage.lastAppended > storage.lastDurable) pump.durable(storage.lastAppended)
    },
  }),
  'the end of the log is lost': () => ({
    foundBy: /^durability/,
    options: CRASHING,
    whileDown: (disk) => cutLastRecord(disk),
  }),
  'a transaction in the log is changed': () => ({
    foundBy: /^durability/,
    options: CRASHING,
    whileDown: (disk) => changeFirstRecord(disk),
  }),
  'an event is not sent': () => ({
    foundBy: /^wire: .* (was not told of|before \{|missed)/,
    options: BUSY,
    bytesOut: eachFrame((frames) => frames.filter((frame) => !isEvent(frame))),
  }),
  'an event is sent twice': () => ({
    foundBy: /^wire: .* is told of/,
    options: BUSY,
    bytesOut: eachFrame((frames) =>
      frames.flatMap((frame) => (isEvent(frame) ? [frame, frame] : [frame])),
    ),
  }),
  'an event comes after the answer that shows it': () => ({
    foundBy: /^wire: .* (gets the answer .* before|missed)/,
    options: BUSY,
    bytesOut: eachFrame((frames) => [
      ...frames.filter((frame) => !isEvent(frame)),
      ...frames.filter(isEvent),
    ]),
  }),
  'two answers change places': () => ({
    foundBy: /^wire: .* (is answered|gets)/,
    options: BUSY,
    bytesOut: eachFrame((frames) => [...frames].reverse()),
  }),
  'an answer shows an older zxid': () => ({
    foundBy: /^wire: .*/,
    options: BUSY,
    bytesOut: everyNth(50, (frame) => withHeaderZxidLess(frame)),
  }),
  'an answer has a wrong byte': () => ({
    foundBy: /^wire/,
    options: BUSY,
    bytesOut: everyNth(100, (frame) => withLastByteChanged(frame)),
  }),
  'a request is done twice': () => ({
    foundBy: /^(history: nobody asked|wire|session order)/,
    options: BUSY,
    bytesIn: everyNth(50, (frame) => (isWrite(frame) ? concat([frame, frame]) : frame)),
  }),
  'sessions expire early': () => ({ foundBy: /^expiry/, clockSpeed: 1.5 }),
  'sessions expire late': () => ({ foundBy: /^expiry/, clockSpeed: 0.6 }),
  'an ephemeral outlives its session': () => ({
    foundBy: /^(transaction: .*closeSession|wire: .*getEphemerals)/,
    makeTree: (rules) => new TreeThatForgetsEphemerals(rules),
  }),
  'a child changes nothing at its parent': () => ({
    foundBy: /^(digest|wire|tree|InvariantError: .*digest)/,
    makeTree: (rules) => new TreeThatForgetsParents(rules),
  }),
  'a snapshot has a wrong stat': () => ({
    foundBy: /^tree/,
    options: CRASHING,
    makeTree: (rules) => new TreeWithBadSnapshots(rules),
  }),
  'data is lost on its way into the tree': () => ({
    foundBy: /^(wire|tree|digest)/,
    makeTree: (rules) => new TreeThatLosesData(rules),
  }),
}

// Frames.

type FramesChange = (frames: readonly Uint8Array[]) => readonly Uint8Array[]

/** The first frame of a connection is the handshake, which has no header. */
function eachFrame(change: FramesChange): NonNullable<Breakage['bytesOut']> {
  const known = new Set<ConnectionId>()
  return (connection, bytes) => {
    const frames = new FrameCutter().push(bytes).map((frame) => withLength(frame))
    if (known.has(connection)) return concat(change(frames))
    known.add(connection)
    return concat([...frames.slice(0, 1), ...change(frames.slice(1))])
  }
}

function everyNth(n: number, change: (frame: Uint8Array) => Uint8Array) {
  let count = 0
  return eachFrame((frames) => frames.map((frame) => (++count % n === 0 ? change(frame) : frame)))
}

const xidOf = (frame: Uint8Array): number => viewOf(frame).getInt32(4)
const isEvent = (frame: Uint8Array): boolean => xidOf(frame) === Xid.notification
const WRITES: ReadonlySet<number> = new Set([1, 2, 5, 14, 15])
const isWrite = (frame: Uint8Array): boolean =>
  frame.length > 12 && WRITES.has(viewOf(frame).getInt32(8))

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function withHeaderZxidLess(frame: Uint8Array): Uint8Array {
  const copy = frame.slice()
  const zxid = viewOf(copy).getUint32(12)
  if (xidOf(copy) > 0 && zxid > 1) viewOf(copy).setUint32(12, zxid - 1)
  return copy
}

function withLastByteChanged(frame: Uint8Array): Uint8Array {
  const copy = frame.slice()
  if (xidOf(copy) > 0 && copy.length > 20) copy[copy.length - 1]! ^= 1
  return copy
}

function withLength(frame: Uint8Array): Uint8Array {
  const whole = new Uint8Array(frame.length + 4)
  viewOf(whole).setInt32(0, frame.length)
  whole.set(frame, 4)
  return whole
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

// Files.

const LOG_HEADER_BYTES = 16

/** Where the records of the newest log stand. */
function newestRecords(disk: FakeDisk): { path: string; records: { at: number; end: number }[] } {
  const numberOf = (path: string): number => Number.parseInt(path.split('.').at(-1) ?? '', 16)
  const logs = disk.paths().filter((path) => path.includes('/log.'))
  const path = logs.sort((a, b) => numberOf(a) - numberOf(b)).at(-1) ?? ''
  const records: { at: number; end: number }[] = []
  if (path === '') return { path, records }
  const bytes = disk.read(path, 0, disk.size(path) ?? 0)
  for (let at = LOG_HEADER_BYTES; at + 12 <= bytes.length; ) {
    const length = viewOf(bytes).getInt32(at + 8)
    if (length <= 0 || at + 13 + length > bytes.length) break
    records.push({ at, end: at + 13 + length })
    at += 13 + length
  }
  return { path, records }
}

function cutLastRecord(disk: FakeDisk): void {
  const { path, records } = newestRecords(disk)
  const last = records.at(-1)
  if (last !== undefined) disk.truncate(path, last.at)
}

/** Another time in the header, and the checksum to go with it. */
function changeFirstRecord(disk: FakeDisk): void {
  const { path, records } = newestRecords(disk)
  const first = records[0]
  if (first === undefined) return
  const bytes = disk.read(path, first.at, first.end - first.at)
  bytes[12 + 27]! ^= 1
  viewOf(bytes).setUint32(4, adler32(ADLER_SEED, bytes, 12, bytes.length - 1))
  disk.corrupt(path, first.at, bytes)
}

// Trees.

class TreeThatForgetsEphemerals extends NaiveTree {
  override ephemerals(ownerHigh: number, ownerLow: number): Iterable<Row> {
    return [...super.ephemerals(ownerHigh, ownerLow)].slice(1)
  }
}

class TreeThatForgetsParents extends NaiveTree {
  override touchParent(): void {}
}

class TreeThatLosesData extends NaiveTree {
  override setData(
    row: Row,
    data: Uint8Array,
    start: number,
    end: number,
    version: number,
    zxid: Zxid,
    timeMs: number,
  ): void {
    super.setData(row, data, start, Math.min(end, start + 64), version, zxid, timeMs)
  }
}

class TreeWithBadSnapshots extends NaiveTree {
  override writeSnapshotNode(row: Row, out: Parameters<NaiveTree['writeSnapshotNode']>[1]): void {
    super.writeSnapshotNode(row, out)
    // The last field is pzxid.
    if (this.path(row) !== '/') out.bytes[out.position - 1]! ^= 1
  }
}

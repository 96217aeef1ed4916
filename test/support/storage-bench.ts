// A data directory on the simulated disk, for tests of the storage code: put files there, let
// outstanding requests finish, crash, start again.

import { Prng } from '../../src/base/prng.ts'
import { encodeUtf8 } from '../../src/base/text.ts'
import type { Zxid } from '../../src/base/zxid.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import { OpCode } from '../../src/core/records/opcodes.ts'
import { TXN_HEADER_BYTES } from '../../src/core/records/txn.ts'
import { logFileStart } from '../../src/core/storage/log-format.ts'
import type { RecoveryTarget } from '../../src/core/storage/recover.ts'
import type { SnapshotSummary } from '../../src/core/storage/snapshot-reader.ts'
import type { StorageOptions } from '../../src/core/storage/storage-options.ts'
import { adler32 } from '../../src/base/checksum.ts'
import { nodeCompression } from '../../src/io/disk/node-compression.ts'
import { CALM_DISK, type DiskConditions, FakeDisk } from '../../src/sim/fake-disk.ts'
import { Trace } from '../../src/sim/trace.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'
import type { LogFields, Logger } from '../../src/ports/logger.ts'

export interface StorageBench {
  readonly disk: FakeDisk
  readonly clock: VirtualClock
  readonly options: StorageOptions
  readonly compression: typeof nodeCompression
  /** Warnings and errors that were logged. */
  readonly complaints: string[]
  /** Lets everything that was asked of the disk finish. */
  settle(): void
  put(path: string, bytes: Uint8Array | string): void
  /** The whole of a file. */
  get(path: string): Uint8Array
}

export function storageBench(
  options: Partial<StorageOptions> = {},
  conditions: Partial<DiskConditions> = {},
  seed = 1,
): StorageBench {
  const clock = new VirtualClock(new Trace())
  const random = new Prng(seed)
  const disk = new FakeDisk(clock, random.fork('disk'), { ...CALM_DISK, ...conditions })
  disk.makeDirectory('/data/version-2')
  const complaints: string[] = []
  return {
    disk,
    clock,
    compression: nodeCompression,
    complaints,
    options: {
      snapshotDirectory: '/data',
      logDirectory: '/data',
      preallocateBytes: 64 << 10,
      snapCount: 100_000,
      snapSizeBytes: 0,
      logSizeLimitBytes: null,
      digestEnabled: true,
      snapshotCompression: '',
      trustEmpty: false,
      fieldBytesMax: 2_097_150,
      random: random.fork('snapshots'),
      logger: listeningLogger(complaints),
      ...options,
    },
    settle: () => {
      while (clock.step());
    },
    put: (path, bytes) => disk.replace(path, typeof bytes === 'string' ? encodeUtf8(bytes) : bytes),
    get: (path) => disk.read(path, 0, disk.size(path) ?? 0),
  }
}

function listeningLogger(complaints: string[]): Logger {
  const note = (message: string, fields?: LogFields): void => {
    complaints.push(`${message} ${JSON.stringify(fields ?? {})}`)
  }
  return { debug() {}, info() {}, warn: note, error: note }
}

/** Collects what recovery hands over, in the simplest form. */
export class RecordingTarget implements RecoveryTarget {
  resets = 0
  readonly sessions: bigint[] = []
  readonly paths: string[] = []
  readonly zxids: number[] = []
  readonly bodies: Uint8Array[] = []
  loaded: number | null = null
  summary: SnapshotSummary | null = null

  reset(): void {
    this.resets++
    this.sessions.length = 0
    this.paths.length = 0
    this.loaded = null
  }

  session(id: bigint): void {
    this.sessions.push(id)
  }

  acl(): void {}

  node(bytes: Uint8Array, pathStart: number, pathEnd: number): boolean {
    this.paths.push(new TextDecoder().decode(bytes.subarray(pathStart, pathEnd)))
    return true
  }

  snapshotLoaded(zxid: Zxid, summary: SnapshotSummary): void {
    this.loaded = zxid
    this.summary = summary
  }

  applyTxn(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    this.zxids.push(zxid)
    this.bodies.push(bytes.slice(start, end))
  }
}

/** The body of a setData transaction with `dataBytes` bytes of data that are never zero. */
export function txnBody(zxid: number, dataBytes = 20): Uint8Array {
  const out = new JuteWriter(TXN_HEADER_BYTES + dataBytes + 32)
  out.long(0x1000_0000_0001n)
  out.int(zxid)
  out.safeLong(zxid)
  out.safeLong(1_795_357_734_683)
  out.int(OpCode.setData)
  out.ustring('/node')
  out.buffer(Uint8Array.from({ length: dataBytes }, (_, i) => 1 + ((zxid * 31 + i * 7) % 255)))
  out.int(zxid)
  return out.copy()
}

export function record(body: Uint8Array): Uint8Array {
  const out = new JuteWriter(body.length + 13)
  out.safeLong(adler32(1, body, 0, body.length))
  out.buffer(body)
  out.byte(0x42)
  return out.copy()
}

/** A log file with these transactions, one after the other, and `padding` zeros. */
export function logFile(zxids: readonly number[], padding = 0, dataBytes = 20): Uint8Array {
  const pieces = [
    logFileStart(0),
    ...zxids.map((zxid) => record(txnBody(zxid, dataBytes))),
    new Uint8Array(padding),
  ]
  return joinBytes(pieces)
}

export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

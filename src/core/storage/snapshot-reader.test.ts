// What the reader of snapshots accepts and refuses. Which bytes real servers write is in
// golden.test.ts.

import { describe, expect, it } from 'vitest'

import { joinBytes, storageBench } from '../../../test/support/storage-bench.ts'
import { ADLER_SEED, adler32 } from '../../base/checksum.ts'
import { encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { JuteWriter } from '../jute/writer.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { ByteStream, pieceSource } from './byte-stream.ts'
import type { SnapshotFileName } from './file-names.ts'
import { SnapshotEncoder } from './snapshot-encoder.ts'
import { SNAPPY_HEADER } from './snapshot-format.ts'
import { type SnapshotSummary, readSnapshot } from './snapshot-reader.ts'
import { looksWhole, openSnapshot } from './snapshot-source.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'

const rules = { extendedTypes: true, emulate353Ttl: false }

function treeOf(nodes: number, dataBytes = 10): NaiveTree {
  const tree = new NaiveTree(rules)
  const data = new Uint8Array(dataBytes).fill(7)
  for (let i = 0; i < nodes; i++) {
    const name = encodeUtf8(`n${i}`)
    tree.insert(0, name, 0, name.length, data, 0, dataBytes, -1, 0, 0, ((i % 9) + 1) as Zxid, 99)
  }
  return tree
}

function encoded(tree: NaiveTree, withDigest: boolean, lastZxid = 9): Uint8Array {
  const out = new JuteWriter()
  const source = {
    tree,
    sessions: () => [[0x5n as never, 4_000]] as [never, number][],
    lastZxid: () => lastZxid as Zxid,
  }
  new SnapshotEncoder(source, withDigest, out).continue(out, 1 << 30)
  return out.copy()
}

/** Hands the bytes over in pieces of a few bytes. */
function read(
  bytes: Uint8Array,
  pieceBytes = 1 << 20,
): { summary: SnapshotSummary; tree: NaiveTree } {
  const tree = new NaiveTree(rules)
  let at = 0
  const source = pieceSource(() => {
    if (at >= bytes.length) return null
    const piece = bytes.slice(at, at + pieceBytes)
    at += piece.length
    return piece
  })
  const stream = new ByteStream(source, true)
  const summary = readSnapshot(stream, 'snapshot.9', 1 << 20, {
    session() {},
    acl: (aclId, list) => tree.acls.load(aclId, list),
    node: (from, pathStart, pathEnd, dataStart, dataEnd, aclId, statStart) =>
      tree.load(from, pathStart, pathEnd, dataStart, dataEnd, aclId, statStart) >= 0,
  })
  return { summary, tree }
}

/** A seal over everything before it. */
function seal(bytes: Uint8Array): Uint8Array {
  const out = new JuteWriter()
  out.safeLong(adler32(ADLER_SEED, bytes, 0, bytes.length))
  out.ustring('/')
  return joinBytes([bytes, out.copy()])
}

const whole = encoded(treeOf(30), true)
const first = whole.length - 54

describe('a snapshot', () => {
  it('is the same tree again, in pieces of whatever size', () => {
    const original = treeOf(30)
    for (const pieceBytes of [1, 2, 3, 7, 64, 1_000, 1 << 20]) {
      const { summary, tree } = read(whole, pieceBytes)
      expect(summary).toMatchObject({ sessionCount: 1, nodeCount: 34, lastZxid: 9 })
      expect(summary.byteCount).toBe(whole.length)
      expect([tree.digestHigh, tree.digestLow]).toEqual([original.digestHigh, original.digestLow])
      expect(tree.childNames(0, null, 100)).toEqual(original.childNames(0, null, 100))
    }
  })

  it('may end behind any seal, and is read alike whatever settings say', () => {
    expect(read(whole).summary).toMatchObject({ digest: { zxid: 9, version: 2 }, lastZxid: 9 })
    const until38 = whole.subarray(0, first + 33)
    expect(read(until38).summary).toMatchObject({ digest: { zxid: 9 }, lastZxid: null })
    const until35 = whole.subarray(0, first)
    expect(read(until35).summary).toMatchObject({ digest: null, lastZxid: null })
    expect(encoded(treeOf(30), false)).toEqual(until35)
  })

  it('may have the last zxid without a digest', () => {
    const out = new JuteWriter()
    out.safeLong(77)
    const bytes = seal(joinBytes([whole.subarray(0, first), out.copy()]))
    expect(bytes.length - first).toBe(21)
    expect(read(bytes).summary).toMatchObject({ digest: null, lastZxid: 77 })
  })

  it('may have a digest of the first version, which is text', () => {
    const out = new JuteWriter()
    out.safeLong(9)
    out.int(1)
    out.ustring('1a2b3c')
    const bytes = seal(joinBytes([whole.subarray(0, first), out.copy()]))
    expect(read(bytes).summary).toMatchObject({
      digest: { zxid: 9, version: 1, digest: 0n },
      lastZxid: null,
    })
  })

  it('says that there is no digest by zxid 0', () => {
    expect(read(encoded(treeOf(0), true, 0)).summary).toMatchObject({ digest: null, lastZxid: 0 })
  })
})

describe('a damaged snapshot', () => {
  const bytes = encoded(treeOf(3), true)

  it('is refused wherever one bit is wrong', () => {
    // Version and database id, bytes 4 to 15, are sealed too.
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] as number) ^ 0x10
      expect(() => read(damaged), `byte ${at}`).toThrow(StorageError)
    }
  })

  it('is refused wherever it is cut, but behind a seal', () => {
    const ends = new Set([bytes.length, bytes.length - 21, bytes.length - 54])
    for (let length = 0; length < bytes.length; length++) {
      if (ends.has(length)) continue
      expect(() => read(bytes.subarray(0, length)), `cut at ${length}`).toThrow(StorageError)
    }
  })

  it('is refused where a node has no parent', () => {
    const orphan = encodeUtf8('/n1')
    const at = indexOf(bytes, orphan)
    const damaged = bytes.slice()
    damaged[at] = 0x78
    expect(() => read(damaged)).toThrow(/a node comes before its parent/)
  })

  it('is refused where a field claims more than the limit', () => {
    const damaged = bytes.slice()
    damaged.set([0x7f, 0xff, 0xff, 0xff], 16)
    expect(() => read(damaged)).toThrow(/ends too early/)
    damaged.set(bytes.subarray(16, 20), 16)
    damaged.set([0x7f, 0xff, 0xff, 0xff], indexOf(bytes, encodeUtf8('/n1')) - 4)
    expect(() => read(damaged)).toThrow(/claims to be 2147483647 bytes/)
  })

  it('names the file and the place', () => {
    try {
      read(bytes.subarray(0, 300))
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: StorageErrorCode.snapshotCorrupt, file: 'snapshot.9' })
      expect((error as StorageError).offset).toBeGreaterThan(0)
    }
  })
})

describe('a compressed snapshot', () => {
  const plain = encoded(treeOf(3_000, 100), true)

  function opened(file: SnapshotFileName, compressed: Uint8Array): Uint8Array {
    const bench = storageBench()
    bench.put(file.path, compressed)
    expect(looksWhole(bench.disk, file)).toBe(true)
    const stream = openSnapshot(bench.disk, bench.compression, file)
    stream.ensure(1 << 30)
    return stream.bytes
  }
  const gz = { path: '/data/snapshot.9.gz', zxid: 9 as Zxid, compression: 'gz' } as const
  const snappy = {
    path: '/data/snapshot.9.snappy',
    zxid: 9 as Zxid,
    compression: 'snappy',
  } as const
  const { compression } = storageBench()

  function snappyStream(bytes: Uint8Array, blockBytes: number): Uint8Array {
    const out = new JuteWriter()
    out.raw(SNAPPY_HEADER, 0, SNAPPY_HEADER.length)
    for (let at = 0; at < bytes.length; at += blockBytes) {
      out.buffer(compression.snappyCompress(bytes.subarray(at, at + blockBytes)))
    }
    return out.copy()
  }

  it('is read from gzip, also in several members', () => {
    expect(Buffer.compare(opened(gz, compression.gzip(plain)), plain)).toBe(0)
    const members = [plain.subarray(0, 1_000), plain.subarray(1_000)].map(compression.gzip)
    expect(Buffer.compare(opened(gz, joinBytes(members)), plain)).toBe(0)
  })

  it('is read from snappy, also in several streams', () => {
    expect(Buffer.compare(opened(snappy, snappyStream(plain, 32 << 10)), plain)).toBe(0)
    const streams = [
      snappyStream(plain.subarray(0, 5_000), 1_000),
      snappyStream(plain.subarray(5_000), 20_000),
    ]
    expect(Buffer.compare(opened(snappy, joinBytes(streams)), plain)).toBe(0)
  })

  it('is refused where it cannot be decompressed', () => {
    const cut = compression.gzip(plain).subarray(0, -20)
    expect(() => opened(gz, cut)).toThrow(/cannot be decompressed/)
    const stream = snappyStream(plain, 32 << 10)
    expect(() => opened(snappy, stream.subarray(0, -1))).toThrow(/cannot be decompressed/)
    expect(() => opened(snappy, stream.subarray(0, 20))).toThrow(StorageError)
    const damaged = stream.slice()
    damaged.fill(0xff, 20, 40)
    expect(() => opened(snappy, damaged)).toThrow(StorageError)
  })

  it('is not looked at where it does not begin as such', () => {
    const bench = storageBench()
    bench.put(gz.path, plain)
    bench.put(snappy.path, plain)
    expect(looksWhole(bench.disk, gz)).toBe(false)
    expect(looksWhole(bench.disk, snappy)).toBe(false)
    expect(looksWhole(bench.disk, { ...gz, path: '/data/none' })).toBe(false)
  })
})

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  return Buffer.from(bytes).indexOf(part)
}

// Files that Apache ZooKeeper 3.8.0 and 3.9.5 wrote: every record and every section is found where
// it is, recovery ends in the very tree, and what we write is what they would have written.

import { describe, expect, it } from 'vitest'

import {
  copyGolden,
  type GoldenFile,
  goldenDirectories,
} from '../../../test/support/golden-data.ts'
import { type StorageBench, storageBench } from '../../../test/support/storage-bench.ts'
import { encodeUtf8, decodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { JuteReader } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import type { Acl } from '../records/acl.ts'
import { type StatPersisted, statPersisted } from '../records/stat.ts'
import { TXN_DIGEST_BYTES, txnHeader } from '../records/txn.ts'
import { Database } from '../tree/database.ts'
import type { Row } from '../tree/data-tree.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { readEpoch, readServerId } from './epoch-files.ts'
import { listLogs, listSnapshots } from './file-names.ts'
import { LogReader } from './log-reader.ts'
import { type RecoveryTarget, recover } from './recover.ts'
import { SnapshotEncoder } from './snapshot-encoder.ts'
import { type SnapshotSummary, type SnapshotVisitor, readSnapshot } from './snapshot-reader.ts'
import { looksWhole, openSnapshot } from './snapshot-source.ts'
import { versionDirectory } from './storage-options.ts'

const directories = goldenDirectories()
const title = '$version $name'

describe('golden logs', () => {
  it.each(directories)(title, (golden) => {
    const bench = openGolden(golden)
    const logs = listLogs(bench.disk, versionDirectory(bench.options.logDirectory))
    const expected = filesOf(golden.expected.files, 'log')
    expect(logs.map(({ path }) => nameOf(path)).sort()).toEqual(Object.keys(expected).sort())
    for (const { path, zxid } of logs) {
      const file = expected[nameOf(path)] as GoldenFile
      const reader = new LogReader(bench.disk, path, bench.options.fieldBytesMax)
      const found = []
      while (reader.next()) found.push(describeRecord(reader))
      if (file.records !== undefined) {
        expect(found).toEqual(
          file.records.map(({ clientId, cxid, zxid, time, type, digest, offset, length }) => {
            const treeDigest = digest?.treeDigest ?? null
            return { clientId, cxid, zxid, time, type, digest: treeDigest, offset, length }
          }),
        )
        expect(found[0]?.zxid).toBe(`0x${zxid.toString(16)}`)
      }
      expect(reader.ended?.offset).toBe(file.endOffset)
      const isPadded = (bench.disk.size(path) ?? 0) > (file.endOffset as number)
      expect(reader.ended?.reason).toBe(isPadded ? 'padding' : 'end-of-file')
    }
  })
})

describe('golden snapshots', () => {
  it.each(directories)(title, (golden) => {
    const bench = openGolden(golden)
    const snapshots = listSnapshots(bench.disk, versionDirectory(bench.options.snapshotDirectory))
    const expected = filesOf(golden.expected.files, 'snapshot')
    expect(snapshots.map(({ path }) => nameOf(path)).sort()).toEqual(Object.keys(expected).sort())
    for (const snapshot of snapshots) {
      expect(looksWhole(bench.disk, snapshot)).toBe(true)
      const file = expected[nameOf(snapshot.path)] as GoldenFile
      const content = new Content()
      const stream = openSnapshot(bench.disk, bench.compression, snapshot)
      const summary = readSnapshot(
        stream,
        snapshot.path,
        bench.options.fieldBytesMax,
        content.visitor,
      )
      compareSummary(file, summary)
      if (Array.isArray(file.nodes)) compareContent(file, content)
    }
  })

  it.each(directories)('$version $name, written again', (golden) => {
    const bench = openGolden(golden)
    const snapshots = listSnapshots(bench.disk, versionDirectory(bench.options.snapshotDirectory))
    for (const snapshot of snapshots) {
      const original = allOf(bench, snapshot)
      const content = new Content()
      const stream = openSnapshot(bench.disk, bench.compression, snapshot)
      const summary = readSnapshot(stream, snapshot.path, 1 << 20, content.visitor)
      const hasDigest = summary.seals.length > 1
      // A server that has just loaded a snapshot writes no digest; we always do.
      if (hasDigest && (summary.digest?.zxid ?? 0) !== (summary.lastZxid ?? 0)) continue
      const written = encode(content, summary, hasDigest)
      // 3.8 has no section for the last zxid, which is a mere continuation.
      expect(written.subarray(0, original.length)).toEqual(original)
      expect(written.length - original.length).toBe(hasDigest && summary.lastZxid === null ? 21 : 0)
    }
  })
})

describe('golden recovery', () => {
  it.each(directories)(title, (golden) => {
    const bench = openGolden(golden)
    const target = new DatabaseTarget()
    const result = recover(bench.disk, bench.compression, bench.options, target)
    const { database } = target
    expect(result.lastZxid).toBe(database.lastZxid)
    expect(result.torn).toBeNull()
    expect(database.digestMismatches).toBe(0)
    const { lastZxid, treeDigest, sessions } = golden.expected
    if (lastZxid !== undefined) expect(hex(BigInt(result.lastZxid))).toBe(lastZxid)
    if (treeDigest !== undefined) expect(digestOf(database)).toBe(treeDigest)
    if (sessions !== undefined) {
      const found = [...database.sessions].map(([id, timeout]) => ({ id: hex(id), timeout }))
      expect(found).toEqual(expect.arrayContaining([...sessions]))
      expect(found).toHaveLength(sessions.length)
    }
  })

  it.each(directories)('$version $name without its newest snapshot', (golden) => {
    const bench = openGolden(golden)
    const directory = versionDirectory(bench.options.snapshotDirectory)
    const whole = new DatabaseTarget()
    recover(bench.disk, bench.compression, bench.options, whole)
    const [newest, older] = listSnapshots(bench.disk, directory)
    const oldest = listLogs(bench.disk, versionDirectory(bench.options.logDirectory))[0]
    // Only where the logs go back far enough; without that, recovery refuses (see recover.test).
    if (newest === undefined || older === undefined || (oldest?.zxid ?? 0) > older.zxid + 1) return
    bench.disk.remove(newest.path)
    const again = new DatabaseTarget()
    recover(bench.disk, bench.compression, bench.options, again)
    expect(again.database.lastZxid).toBe(whole.database.lastZxid)
    expect(digestOf(again.database)).toBe(digestOf(whole.database))
  })

  it.each(directories.filter(({ name }) => name.startsWith('ensemble')))(
    '$version $name: epochs and number of a member',
    (golden) => {
      const { disk, options } = openGolden(golden)
      expect(readServerId(disk, options.snapshotDirectory)).toBe(Number(golden.name.slice(-1)))
      expect(readEpoch(disk, options.snapshotDirectory, 'acceptedEpoch')).toBe(4)
      expect(readEpoch(disk, options.snapshotDirectory, 'currentEpoch')).toBe(4)
    },
  )
})

// What the tests above share.

function openGolden(golden: (typeof directories)[number]): StorageBench {
  const logDirectory = golden.isSplit ? '/golden/datalog' : '/golden/data'
  const bench = storageBench({ snapshotDirectory: '/golden/data', logDirectory })
  bench.disk.makeDirectory('/golden')
  copyGolden(golden.path, bench.disk, '/golden')
  return bench
}

function filesOf(
  files: Readonly<Record<string, GoldenFile>>,
  kind: GoldenFile['kind'],
): Readonly<Record<string, GoldenFile>> {
  return Object.fromEntries(Object.entries(files).filter(([, file]) => file.kind === kind))
}

function describeRecord(reader: LogReader) {
  const jute = new JuteReader(reader.bytes, reader.start, reader.end)
  const header = txnHeader.read(jute)
  // Here a digest is there exactly where the last 12 bytes begin with its version.
  const tail = new JuteReader(reader.bytes, reader.end - TXN_DIGEST_BYTES, reader.end)
  const digest = header.type !== -1 && tail.int() === 2 ? hex(tail.long()) : null
  return {
    clientId: hex(header.clientId),
    cxid: header.cxid,
    zxid: hex(BigInt(reader.zxid)),
    time: header.time,
    type: header.type,
    digest,
    offset: reader.offset,
    length: reader.frameBytes,
  }
}

function compareSummary(file: GoldenFile, summary: SnapshotSummary): void {
  if (file.seals !== undefined) expect(summary.seals).toEqual(file.seals)
  const digest = file.zxidDigest
  if (digest === undefined || digest.zxid === '0x0') {
    expect(summary.digest).toBeNull()
  } else {
    expect(hex(BigInt(summary.digest?.zxid ?? -1))).toBe(digest.zxid)
    expect(hex(summary.digest?.digest ?? -1n)).toBe(digest.digest)
  }
  if (file.lastProcessedZxid !== undefined) {
    expect(hex(BigInt(summary.lastZxid ?? -1))).toBe(file.lastProcessedZxid)
  }
  const nodes = Array.isArray(file.nodes) ? file.nodes.length : file.nodes
  if (nodes !== undefined) expect(summary.nodeCount).toBe(nodes)
}

function compareContent(file: GoldenFile, content: Content): void {
  expect(content.sessions.map(([id, timeout]) => ({ id: hex(id), timeout }))).toEqual(file.sessions)
  expect(
    content.acls.map(([id, list]) => ({
      id,
      acl: list.map(({ perms, id: { scheme, id: name } }) => ({ perms, scheme, id: name })),
    })),
  ).toEqual(file.aclMap)
  expect(
    content.nodes.map(({ path, data, aclId, stat }) => ({
      path,
      data: data === null ? null : Buffer.from(data).toString('base64'),
      acl: aclId,
      stat: {
        czxid: hex(BigInt(stat.czxid)),
        mzxid: hex(BigInt(stat.mzxid)),
        ctime: stat.ctime,
        mtime: stat.mtime,
        version: stat.version,
        cversion: stat.cversion,
        aversion: stat.aversion,
        ephemeralOwner: hex(stat.ephemeralOwner),
        pzxid: hex(BigInt(stat.pzxid)),
      },
    })),
  ).toEqual(file.nodes)
}

interface ContentNode {
  readonly path: string
  readonly data: Uint8Array | null
  readonly aclId: number
  readonly stat: StatPersisted
}

/** A snapshot taken apart, and put together again in the same order. */
class Content {
  readonly sessions: (readonly [bigint, number])[] = []
  readonly acls: (readonly [number, readonly Acl[]])[] = []
  readonly nodes: ContentNode[] = []

  readonly visitor: SnapshotVisitor = {
    session: (id, timeoutMs) => this.sessions.push([id, timeoutMs]),
    acl: (aclId, list) => this.acls.push([aclId, list]),
    node: (bytes, pathStart, pathEnd, dataStart, dataEnd, aclId, statStart) => {
      const path = decodeUtf8(bytes, pathStart, pathEnd)
      const data = dataStart < 0 ? null : bytes.slice(dataStart, dataEnd)
      const stat = statPersisted.read(new JuteReader(bytes, statStart, bytes.length))
      this.nodes.push({ path, data, aclId, stat })
      return true
    },
  }
}

function encode(content: Content, summary: SnapshotSummary, withDigest: boolean): Uint8Array {
  let visited = 0
  const digest = summary.digest?.digest ?? 0n
  const zxid = (summary.lastZxid ?? summary.digest?.zxid ?? 0) as Zxid
  const out = new JuteWriter()
  const encoder = new SnapshotEncoder(
    {
      tree: {
        acls: { entries: () => content.acls },
        digestHigh: Number(BigInt.asIntN(32, digest >> 32n)),
        digestLow: Number(BigInt.asUintN(32, digest)),
        walk: () => ({ next: () => (visited < content.nodes.length ? visited++ : -1) }),
        writeSnapshotNode: (row: Row, to: JuteWriter) => {
          const node = content.nodes[row] as ContentNode
          to.buffer(encodeUtf8(node.path))
          to.buffer(node.data)
          to.safeLong(node.aclId)
          statPersisted.write(to, node.stat)
        },
      },
      sessions: () => content.sessions as [never, number][],
      lastZxid: () => zxid,
    },
    withDigest,
    out,
  )
  // Small slices, so that seals are seen to run on across them.
  const slices = []
  while (!encoder.isDone) {
    encoder.continue(out, 300)
    slices.push(out.copy())
    out.reset()
  }
  return Buffer.concat(slices)
}

function allOf(bench: StorageBench, snapshot: Parameters<typeof openSnapshot>[2]): Uint8Array {
  const stream = openSnapshot(bench.disk, bench.compression, snapshot)
  stream.ensure(1 << 30)
  return Buffer.from(stream.bytes)
}

class DatabaseTarget implements RecoveryTarget {
  database = newDatabase()

  reset(): void {
    this.database = newDatabase()
  }

  session(id: never, timeoutMs: number): void {
    this.database.sessions.set(id, timeoutMs)
  }

  acl(aclId: number, list: readonly Acl[]): void {
    this.database.tree.acls.load(aclId, list)
  }

  node(
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    statStart: number,
  ): boolean {
    const { tree } = this.database
    return tree.load(bytes, pathStart, pathEnd, dataStart, dataEnd, aclId, statStart) >= 0
  }

  snapshotLoaded(zxid: Zxid, summary: SnapshotSummary): void {
    this.database.finishLoading()
    this.database.lastZxid = zxid
    this.database.fuzzyUntil = summary.digest?.zxid ?? zxid
  }

  applyTxn(_zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    this.database.apply(bytes, start, end, null)
  }
}

function newDatabase(): Database {
  const rules = { extendedTypes: true, emulate353Ttl: false }
  return new Database(new NaiveTree(rules), rules)
}

const digestOf = ({ tree }: Database): string =>
  hex((BigInt(tree.digestHigh) << 32n) | BigInt(tree.digestLow >>> 0))

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

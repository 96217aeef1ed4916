// Data directories that Apache ZooKeeper 3.8.0 and 3.9.5 left behind after a kill: a server that
// starts on them has the tree, the sessions and the digest that those servers would have.

import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { formatSessionId } from '../../src/base/session-id.ts'
import { formatZxid } from '../../src/base/zxid.ts'
import { JuteReader } from '../../src/core/jute/reader.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import { isAllowed, redactAcl } from '../../src/core/pipeline/access.ts'
import { identitiesOfAddress } from '../../src/core/pipeline/identities.ts'
import {
  DEFAULT_PIPELINE_SETTINGS,
  type PipelineSettings,
} from '../../src/core/pipeline/settings.ts'
import { Perms } from '../../src/core/records/acl.ts'
import { stat } from '../../src/core/records/stat.ts'
import { type Boot, bootDatabase } from '../../src/core/replica/boot.ts'
import type { StorageOptions } from '../../src/core/storage/storage-options.ts'
import { ColumnTree } from '../../src/core/tree/column-tree.ts'
import { type DataTree, NO_ROW, ROOT, type Row } from '../../src/core/tree/data-tree.ts'
import { Database } from '../../src/core/tree/database.ts'
import { NaiveTree } from '../../src/core/tree/naive-tree.ts'
import { nodeCompression } from '../../src/io/disk/node-compression.ts'
import { NodeDisk } from '../../src/io/disk/node-disk.ts'
import { silentLogger } from '../../src/ports/logger.ts'
import { type GoldenDirectory, goldenDirectories, goldenRoot } from '../support/golden-data.ts'

interface ExpectedNode {
  readonly path: string
  /** Base64; no server of the golden data shows null apart from empty data here. */
  readonly data: string | null
  readonly stat: Readonly<Record<string, string | number>>
  readonly acl: readonly unknown[]
  readonly persistedEphemeralOwner?: string
}

const trees = {
  naive: (settings: PipelineSettings) => new NaiveTree(settings),
  column: (settings: PipelineSettings) => new ColumnTree(settings),
} as const

const temporary: string[] = []
afterEach(() => {
  for (const path of temporary.splice(0)) rmSync(path, { recursive: true })
})

const cases = goldenDirectories().flatMap((golden) =>
  (['naive', 'column'] as const).map((tree) => {
    const title = `${golden.version} ${golden.name} on the ${tree} tree`
    return [title, golden, tree] as const
  }),
)

it.each(cases)('%s', (_title, golden, tree) => {
  const isEnsemble = golden.name.startsWith('ensemble/')
  // The servers of the ensemble ran without access checks.
  const settings = { ...DEFAULT_PIPELINE_SETTINGS, extendedTypes: true, skipAcl: isEnsemble }
  const { database } = boot(golden, settings, () => trees[tree](settings))
  const { expected } = golden
  const nodes = expectedTree(golden)

  expect(nodes.length).toBeGreaterThan(0)
  expect(allNodes(database.tree, settings, isEnsemble)).toEqual(
    nodes.map((node) => comparable(node, isEnsemble)),
  )
  expect(database.digestMismatches).toBe(0)
  expect(database.dropOrphanEphemerals()).toBe(0)
  database.tree.verify()
  if (expected.lastZxid !== undefined) {
    expect(formatZxid(database.lastZxid)).toBe(expected.lastZxid)
  }
  if (expected.treeDigest !== undefined) {
    expect(digestOf(database.tree)).toBe(expected.treeDigest)
  }
  if (expected.sessions !== undefined) {
    const sessions = [...database.sessions]
      .map(([id, timeout]) => ({ id: formatSessionId(id), timeout }))
      .sort((left, right) => (left.id < right.id ? -1 : 1))
    expect(sessions).toEqual(expected.sessions)
  }
})

function boot(
  golden: GoldenDirectory,
  settings: PipelineSettings,
  makeTree: () => DataTree,
): Boot {
  const directory = mkdtempSync(join(tmpdir(), 'zabra-golden-'))
  temporary.push(directory)
  cpSync(golden.path, directory, { recursive: true })
  const snapshotDirectory = join(directory, 'data')
  const options: StorageOptions = {
    snapshotDirectory,
    logDirectory: golden.isSplit ? join(directory, 'datalog') : snapshotDirectory,
    preallocateBytes: 0,
    snapCount: 100_000,
    snapSizeBytes: 0,
    logSizeLimitBytes: null,
    digestEnabled: true,
    snapshotCompression: '',
    trustEmpty: false,
    fieldBytesMax: 2_000_000,
    random: { below: () => 0 },
    logger: silentLogger,
  }
  return bootDatabase(new NodeDisk(), nodeCompression, options, () => new Database(makeTree(), settings))
}

function expectedTree({ version, name }: GoldenDirectory): readonly ExpectedNode[] {
  const file = join(goldenRoot, `data-${version}`, `${name.split('/')[0]}.expected.json`)
  const { tree, sameTreeAs } = JSON.parse(readFileSync(file, 'utf8')) as {
    tree?: readonly ExpectedNode[]
    sameTreeAs?: string
  }
  if (tree !== undefined) return tree
  const other = join(goldenRoot, `data-${version}`, `${sameTreeAs}.expected.json`)
  return (JSON.parse(readFileSync(other, 'utf8')) as { tree: readonly ExpectedNode[] }).tree
}

/** Every node as the expectation has it, in the order of its paths. */
function allNodes(
  tree: DataTree,
  settings: PipelineSettings,
  isEnsemble: boolean,
): readonly unknown[] {
  const rows: Row[] = []
  const collect = (row: Row): void => {
    rows.push(row)
    tree.forEachChild(row, collect)
  }
  expect(tree.lookupText('/')).not.toBe(NO_ROW)
  collect(ROOT)
  return rows.map((row) => comparable(nodeOf(tree, row, settings), isEnsemble))
}

function nodeOf(tree: DataTree, row: Row, settings: PipelineSettings): ExpectedNode {
  const out = new JuteWriter()
  tree.writeStat(row, out)
  const seen = stat.read(new JuteReader(out.copy()))
  const list = tree.acls.list(tree.aclId(row)) ?? []
  const anyone = identitiesOfAddress('127.0.0.1')
  const mayAdminister = isAllowed(
    tree.acls,
    tree.aclId(row),
    Perms.admin,
    anyone,
    settings.skipAcl,
  )
  const owner = (BigInt(tree.ownerHigh(row)) << 32n) | BigInt(tree.ownerLow(row) >>> 0)
  return {
    path: tree.path(row),
    data: Buffer.from(tree.data(row) ?? []).toString('base64'),
    stat: {
      ...seen,
      czxid: formatZxid(seen.czxid),
      mzxid: formatZxid(seen.mzxid),
      pzxid: formatZxid(seen.pzxid),
      ephemeralOwner: formatSessionId(seen.ephemeralOwner),
    },
    acl: (mayAdminister ? list : redactAcl(list)).map(({ perms, id }) => ({ perms, ...id })),
    persistedEphemeralOwner: formatSessionId(owner),
  }
}

/** What is compared: members of an ensemble stamp the configuration each by their own clock. */
function comparable(node: ExpectedNode, isEnsemble: boolean): unknown {
  const { path, data, stat: itsStat, acl, persistedEphemeralOwner } = node
  if (!isEnsemble) return { path, data, stat: itsStat, acl, persistedEphemeralOwner }
  return path === '/zookeeper/config' ? { path, data, acl } : { path, data, stat: itsStat, acl }
}

function digestOf(tree: DataTree): string {
  const digest = (BigInt.asUintN(32, BigInt(tree.digestHigh)) << 32n) | BigInt(tree.digestLow)
  return `0x${digest.toString(16)}`
}

// Directories that Apache's servers left behind: a server that opens one shows the tree that is
// written beside it, through the client protocol. Apache opens them too, as proof of the test.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startApache } from './peers/apache-server.ts'
import { absence, repositoryDirectory } from './peers/cache.ts'
import type { Stat } from './peers/wire.ts'
import type { Start } from './peers/with-restarts.ts'
import { startZabra } from './peers/zabra-server.ts'
import { superDigest, type WalkedNode, walkTree } from './peers/tree-walk.ts'

const goldenDirectory = join(repositoryDirectory, 'test', 'golden')
const servers: readonly (readonly [string, Start, string | null])[] = [
  ['Apache', startApache, absence('java')],
  ['Zabra', startZabra, absence('zabra')],
]

const configPath = '/zookeeper/config'

let scratch = ''

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'zabra-golden-'))
})

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true })
})

describe.each(servers)('%s opens golden data', (_, start, absent) => {
  test.skipIf(absent !== null).each(goldenNames())('%s', async (name) => {
    const { directory, expectedPath } = locate(name)
    cpSync(directory, scratch, { recursive: true })
    const split = existsSync(join(scratch, 'datalog'))
    const isMember = name.includes('ensemble')
    // The standalone servers were read by a client without identity, the ensemble by one that may
    // read everything.
    const reader = isMember ? 'super' : 'anyone'
    await using server = await start({
      settings: { 'DigestAuthenticationProvider.superDigest': superDigest },
      dataDir: join(scratch, 'data'),
      ...(split ? { dataLogDir: join(scratch, 'datalog') } : {}),
    })

    const shown = [...(await walkTree(server.port, reader)).values()].map(comparable)

    const expected = expectedTree(expectedPath)
    // Members write this node at start, each with times of its own.
    const isOwn = ({ path }: Comparable) => isMember && path === configPath
    const withoutOwn = (node: Comparable) => (isOwn(node) ? { ...node, stat: {} } : node)
    expect(shown.map(withoutOwn)).toEqual(expected.map(withoutOwn))
  })
})

interface Comparable {
  readonly path: string
  readonly data: string
  readonly stat: Readonly<Record<string, string>>
  readonly acl: readonly string[]
}

interface ExpectedNode {
  readonly path: string
  readonly data: string | null
  readonly stat: Readonly<Record<string, string | number>>
  readonly acl: readonly { perms: number; scheme: string; id: string }[]
}

function comparable({ path, data, stat, acl }: WalkedNode): Comparable {
  const fields = Object.entries(stat) as [keyof Stat, bigint | number][]
  return {
    path,
    data: textOfStats(path, data),
    stat: Object.fromEntries(fields.map(([key, value]) => [key, unsigned(BigInt(value))])),
    acl: acl.map(({ perms, scheme, id }) => `${perms} ${scheme} ${id}`),
  }
}

function expectedTree(expectedPath: string): Comparable[] {
  const expectation = JSON.parse(readFileSync(expectedPath, 'utf8'))
  const { sameTreeAs } = expectation
  if (typeof sameTreeAs === 'string') {
    return expectedTree(join(expectedPath, '..', `${sameTreeAs}.expected.json`))
  }
  const nodes: readonly ExpectedNode[] = expectation.tree
  return nodes
    .map(({ path, data, stat, acl }) => ({
      path,
      data: textOfStats(path, data),
      stat: Object.fromEntries(
        Object.entries(stat).map(([key, value]) => [key, unsigned(BigInt(value))]),
      ),
      acl: acl.map(({ perms, scheme, id }) => `${perms} ${scheme} ${id}`),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Usage below a quota as text, everything else as base64; the files show null data as none. */
function textOfStats(path: string, data: string | null): string {
  if (data === null) return ''
  return path.endsWith('/zookeeper_stats') ? Buffer.from(data, 'base64').toString() : data
}

function unsigned(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`
}

function goldenNames(): string[] {
  return ['data-3.8.0', 'data-3.9.5'].flatMap((version) =>
    readdirSync(join(goldenDirectory, version))
      .filter((name) => !name.endsWith('.json'))
      .sort()
      .flatMap((name) =>
        name === 'ensemble'
          ? ['s1', 's2', 's3'].map((member) => `${version}/ensemble/${member}`)
          : [`${version}/${name}`],
      ),
  )
}

function locate(name: string): { directory: string; expectedPath: string } {
  const [version = '', base = ''] = name.split('/')
  return {
    directory: join(goldenDirectory, name),
    expectedPath: join(goldenDirectory, version, `${base}.expected.json`),
  }
}

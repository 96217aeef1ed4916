// The golden data directories: what real ZooKeeper servers wrote, and what is in it.

import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { FakeDisk } from '../../src/sim/fake-disk.ts'

export const goldenRoot: string = join(import.meta.dirname, '..', 'golden')

export const goldenVersions = ['3.8.0', '3.9.5'] as const

export const goldenNames = [
  'mixed-log-only',
  'mixed-log-only-untrimmed',
  'mixed-snapshot-and-logs',
  'mixed-compressed',
  'fuzzy-split-dirs',
  'no-digest',
  'ensemble/s1',
  'ensemble/s2',
  'ensemble/s3',
] as const

export interface GoldenDirectory {
  readonly version: string
  readonly name: string
  readonly path: string
  readonly isSplit: boolean
  readonly expected: GoldenExpectation
}

export interface GoldenRecord {
  readonly clientId: string
  readonly cxid: number
  readonly zxid: string
  readonly time: number
  readonly type: number
  readonly digest?: { readonly version: number; readonly treeDigest: string }
  readonly offset: number
  readonly length: number
}

export interface GoldenNode {
  readonly path: string
  readonly data: string | null
  readonly acl: number
  readonly stat: Readonly<Record<string, string | number>>
}

export interface GoldenFile {
  readonly kind: 'log' | 'snapshot' | 'text'
  readonly endOffset?: number
  readonly endReason?: string
  readonly records?: readonly GoldenRecord[]
  readonly sessions?: readonly { readonly id: string; readonly timeout: number }[]
  readonly aclMap?: readonly { readonly id: number; readonly acl: readonly GoldenAcl[] }[]
  readonly nodes?: readonly GoldenNode[] | number
  readonly seals?: readonly { readonly offset: number; readonly adler32: number }[]
  readonly zxidDigest?: { readonly zxid: string; readonly digest: string }
  readonly lastProcessedZxid?: string
}

export interface GoldenAcl {
  readonly perms: number
  readonly scheme: string
  readonly id: string
}

export interface GoldenExpectation {
  readonly lastZxid?: string
  readonly treeDigest?: string
  readonly sessions?: readonly { readonly id: string; readonly timeout: number }[]
  readonly files: Readonly<Record<string, GoldenFile>>
}

/** All of them; `files` of an ensemble's member are named without the member. */
export function goldenDirectories(): GoldenDirectory[] {
  return goldenVersions.flatMap((version) =>
    goldenNames.map((name) => {
      const [whole, member] = name.split('/') as [string, string?]
      const path = join(goldenRoot, `data-${version}`, name)
      const expected = expectation(version, whole)
      return {
        version,
        name,
        path,
        isSplit: whole === 'fuzzy-split-dirs',
        expected: member === undefined ? expected : ofMember(expected, member),
      }
    }),
  )
}

/** Copies the files of a golden directory to a simulated disk, keeping the folders. */
export function copyGolden(from: string, disk: FakeDisk, to: string): void {
  for (const name of readdirSync(from)) {
    const path = join(from, name)
    if (statSync(path).isDirectory()) {
      disk.makeDirectory(`${to}/${name}`)
      copyGolden(path, disk, `${to}/${name}`)
    } else {
      disk.replace(`${to}/${name}`, new Uint8Array(readFileSync(path)))
    }
  }
}

function expectation(version: string, name: string): GoldenExpectation {
  const path = join(goldenRoot, `data-${version}`, `${name}.expected.json`)
  return JSON.parse(readFileSync(path, 'utf8')) as GoldenExpectation
}

function ofMember(expected: GoldenExpectation, member: string): GoldenExpectation {
  const files = Object.entries(expected.files)
    .filter(([name]) => name.startsWith(`${member}/`))
    .map(([name, file]) => [name.slice(member.length + 1), file] as const)
  return { ...expected, files: Object.fromEntries(files) }
}

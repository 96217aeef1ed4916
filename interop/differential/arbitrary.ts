/**
 * Random values for requests: mostly sensible ones from a small world, so that requests meet each
 * other, and now and then nonsense that a server has to refuse in the right way.
 */
import type { Prng } from '../../src/base/prng.ts'
import { superPassword } from '../peers/tree-walk.ts'
import type { Acl } from '../peers/wire.ts'
import { openAcl } from '../peers/wire.ts'

const names = ['a', 'b', 'c', 'd', 'é', 'x y', '...', 'a.b']

const oddPaths: readonly (string | null)[] = [
  '',
  'a',
  '/',
  '//',
  '/a/',
  '/a//b',
  '/./a',
  '/a/.',
  '/a/..',
  '/..',
  '/a\0b',
  '\0',
  '/a\tb',
  '/a/\u0085',
  '/\u00a0',
  '/\u2028',
  '/\ud7ff',
  '/\ue000x',
  '/a/\ufff0',
  '/\ufffd',
  '/😀',
  '/a/b/',
  'zookeeper',
  '/zookeeper/',
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
  '/zookeeper/nothing',
  null,
]

export function anyPath(random: Prng, known: readonly string[]): string | null {
  if (random.chance(0.06)) return random.pick(oddPaths)
  if (known.length > 0 && random.chance(0.55)) return random.pick(known)
  return newPath(random, known)
}

/** A well-formed path that often has an existing parent. */
export function newPath(random: Prng, known: readonly string[]): string {
  const parent = known.length > 0 && random.chance(0.5) ? random.pick(known) : ''
  const name = random.pick(names)
  const path = `${parent === '/' ? '' : parent}/${name}`
  return path.split('/').length > 6 ? `/${name}` : path
}

export function anyData(random: Prng): Buffer | null {
  const kind = random.below(10)
  if (kind === 0) return null
  if (kind === 1) return Buffer.alloc(0)
  const length = kind === 2 ? random.below(1500) : random.below(12)
  return Buffer.from(Array.from({ length }, () => random.below(256)))
}

export function anyVersion(random: Prng): number {
  if (random.chance(0.6)) return -1
  return random.pick([0, 0, 1, 1, 2, 3, 4, -2, -5, 7, 0x7fffffff, -0x80000000])
}

const alice = 'alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E='

const aclEntries: readonly Acl[] = [
  { perms: 31, scheme: 'world', id: 'anyone' },
  { perms: 1, scheme: 'world', id: 'anyone' },
  { perms: 2, scheme: 'world', id: 'anyone' },
  { perms: 4, scheme: 'world', id: 'anyone' },
  { perms: 8, scheme: 'world', id: 'anyone' },
  { perms: 16, scheme: 'world', id: 'anyone' },
  { perms: 23, scheme: 'world', id: 'anyone' },
  { perms: 15, scheme: 'world', id: 'anyone' },
  { perms: 0, scheme: 'world', id: 'anyone' },
  { perms: 31, scheme: 'auth', id: '' },
  { perms: 31, scheme: 'auth', id: 'ignored' },
  { perms: 31, scheme: 'digest', id: alice },
  { perms: 5, scheme: 'digest', id: alice },
  { perms: 31, scheme: 'digest', id: 'nobody:at-all' },
  { perms: 31, scheme: 'ip', id: '127.0.0.1' },
  { perms: 3, scheme: 'ip', id: '127.0.0.0/8' },
  { perms: 31, scheme: 'ip', id: '10.0.0.0/8' },
  { perms: 31, scheme: 'ip', id: '0.0.0.0/0' },
  { perms: 31, scheme: 'ip', id: '::1' },
  { perms: 1, scheme: 'ip', id: '2001:db8::/32' },
  { perms: 255, scheme: 'world', id: 'anyone' },
  { perms: -1, scheme: 'world', id: 'anyone' },
  { perms: 0x7fffffe0, scheme: 'world', id: 'anyone' },
]

const badAclEntries: readonly Acl[] = [
  { perms: 31, scheme: 'world', id: 'everyone' },
  { perms: 31, scheme: 'world', id: '' },
  { perms: 31, scheme: 'world', id: null },
  { perms: 31, scheme: null, id: 'anyone' },
  { perms: 31, scheme: '', id: 'anyone' },
  { perms: 31, scheme: 'digest', id: 'alice' },
  { perms: 31, scheme: 'digest', id: 'alice:' },
  { perms: 31, scheme: 'digest', id: ':hash' },
  { perms: 31, scheme: 'digest', id: ':' },
  { perms: 31, scheme: 'digest', id: 'a:b:c' },
  { perms: 31, scheme: 'digest', id: 'a:b:' },
  { perms: 31, scheme: 'digest', id: null },
  { perms: 31, scheme: 'ip', id: '256.0.0.1' },
  { perms: 31, scheme: 'ip', id: '127.0.0.1/33' },
  { perms: 31, scheme: 'ip', id: '127.0.0.1/-1' },
  { perms: 31, scheme: 'ip', id: '127.0.0' },
  { perms: 31, scheme: 'ip', id: '127.0.0.1/8/8' },
  { perms: 31, scheme: 'ip', id: 'localhost' },
  { perms: 31, scheme: 'ip', id: '' },
  { perms: 31, scheme: 'ip', id: null },
  { perms: 31, scheme: 'super', id: 'x' },
  { perms: 31, scheme: 'sasl', id: 'bob' },
  { perms: 31, scheme: 'bogus', id: 'x' },
  { perms: 31, scheme: 'auth', id: null },
]

/** Mostly open, so that the tree grows; sometimes restricted; sometimes invalid. */
export function anyAcl(random: Prng): readonly Acl[] | null {
  const kind = random.below(100)
  if (kind < 70) return openAcl
  if (kind < 88) return listOf(random, aclEntries)
  if (kind < 96) return [...listOf(random, aclEntries), random.pick(badAclEntries)]
  if (kind < 98) return []
  return null
}

function listOf(random: Prng, entries: readonly Acl[]): Acl[] {
  return Array.from({ length: random.between(1, 3) }, () => random.pick(entries))
}

export interface Credential {
  readonly scheme: string | null
  readonly auth: Buffer | null
  /** Whether the server is expected to accept it and keep the connection. */
  readonly accepted: boolean
}

const goodCredentials: readonly Credential[] = [
  { scheme: 'digest', auth: Buffer.from('alice:secret'), accepted: true },
  { scheme: 'digest', auth: Buffer.from('alice:secret'), accepted: true },
  { scheme: 'digest', auth: Buffer.from('bob:b'), accepted: true },
  { scheme: 'digest', auth: Buffer.from('no-colon'), accepted: true },
  { scheme: 'digest', auth: Buffer.alloc(0), accepted: true },
  { scheme: 'ip', auth: Buffer.from('anything'), accepted: true },
  { scheme: 'digest', auth: Buffer.from(superPassword), accepted: true },
]

const badCredentials: readonly Credential[] = [
  { scheme: 'digest', auth: null, accepted: false },
  { scheme: 'world', auth: Buffer.from('anyone'), accepted: false },
  { scheme: 'auth', auth: Buffer.alloc(0), accepted: false },
  { scheme: 'super', auth: Buffer.from('x'), accepted: false },
  { scheme: 'sasl', auth: Buffer.from('x'), accepted: false },
  { scheme: 'bogus', auth: Buffer.from('x'), accepted: false },
  { scheme: '', auth: Buffer.from('x'), accepted: false },
]

export function anyCredential(random: Prng): Credential {
  return random.pick(random.chance(0.8) ? goodCredentials : badCredentials)
}

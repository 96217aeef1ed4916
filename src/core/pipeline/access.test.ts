import { describe, expect, it } from 'vitest'

import { type Acl, Perms } from '../records/acl.ts'
import { RefAclTable } from '../tree/ref-acl-table.ts'
import { isAllowed, redactAcl } from './access.ts'
import { Identities, authenticate, identitiesOfAddress, userName } from './identities.ts'
import { DEFAULT_PIPELINE_SETTINGS } from './settings.ts'
import { NodeHasher } from '../../io/crypto/node-hasher.ts'
import { encodeUtf8 } from '../../base/text.ts'

const entry = (perms: number, scheme: string, id: string): Acl => ({ perms, id: { scheme, id } })

const mayRead = (list: readonly Acl[], identities: Identities, skipAcl = false): boolean => {
  const acls = new RefAclTable()
  return isAllowed(acls, acls.internList(list), Perms.read, identities, skipAcl)
}

const nobody = new Identities([])
const isSuper = new Identities([{ scheme: 'super', id: '' }])

describe('an access list', () => {
  it('without entries shuts nobody out', () => {
    expect(mayRead([], nobody)).toBe(true)
  })

  it('lets in by any of the wanted bits', () => {
    const acls = new RefAclTable()
    const id = acls.internList([entry(Perms.admin, 'world', 'anyone')])
    expect(isAllowed(acls, id, Perms.read, nobody, false)).toBe(false)
    expect(isAllowed(acls, id, Perms.read | Perms.admin, nobody, false)).toBe(true)
  })

  it('that grants nothing lets in super, and everyone where lists are skipped', () => {
    const shut = [entry(0, 'world', 'anyone')]
    expect(mayRead(shut, nobody)).toBe(false)
    expect(mayRead(shut, isSuper)).toBe(true)
    expect(mayRead(shut, nobody, true)).toBe(true)
  })

  it('compares digests as texts, and schemes with each other', () => {
    const list = [entry(31, 'digest', 'u:h')]
    const as = (scheme: string, id: string) => mayRead(list, new Identities([{ scheme, id }]))
    expect(as('digest', 'u:h')).toBe(true)
    expect(as('digest', 'U:h')).toBe(false)
    expect(as('digest', 'u')).toBe(false)
    expect(as('sasl', 'u:h')).toBe(false)
  })

  it('lets the sasl identity super into every sasl entry', () => {
    const list = [entry(31, 'sasl', 'bob')]
    expect(mayRead(list, new Identities([{ scheme: 'sasl', id: 'super' }]))).toBe(true)
    expect(mayRead(list, new Identities([{ scheme: 'sasl', id: 'eve' }]))).toBe(false)
  })

  it.each([
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.128.0.0/9', '10.127.0.1', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '::1', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['::/0', '127.0.0.1', false],
  ])('ip %s for a client at %s: %s', (network, address, allowed) => {
    expect(mayRead([entry(1, 'ip', network)], identitiesOfAddress(address))).toBe(allowed)
  })
})

it('hides what follows the first colon of a digest, and nothing else', () => {
  const list = [
    entry(31, 'digest', 'u:h'),
    entry(1, 'digest', ':h:more'),
    entry(1, 'ip', '::1'),
    entry(1, 'sasl', 'a:b'),
  ]
  expect(redactAcl(list).map(({ id }) => id.id)).toEqual(['u:x', ':x', '::1', 'a:b'])
  expect(list[0]?.id.id).toBe('u:h')
})

describe('identities', () => {
  const prove = (scheme: string | null, auth: string | null, settings = {}) =>
    authenticate(
      scheme,
      auth === null ? null : encodeUtf8(auth),
      '127.0.0.1',
      { ...DEFAULT_PIPELINE_SETTINGS, ...settings },
      new NodeHasher(),
    )

  it('a digest is that of the whole text, the user what stands before the first colon', () => {
    expect(prove('digest', 'super:secret')).toEqual([
      { scheme: 'digest', id: 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=' },
    ])
    expect(prove('digest', 'abc')?.[0]?.id).toMatch(/^abc:/)
    expect(prove('digest', ':x')?.[0]?.id).toMatch(/^:/)
  })

  it('another algorithm makes another digest', () => {
    expect(prove('digest', 'u:p', { digestAlgorithm: 'SHA-256' })?.[0]?.id).toHaveLength(2 + 44)
  })

  it('the configured digest is super as well', () => {
    const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4='
    expect(prove('digest', 'super:secret', { superDigest })).toEqual([
      { scheme: 'digest', id: superDigest },
      { scheme: 'super', id: '' },
    ])
    expect(prove('digest', 'super:wrong', { superDigest })).toHaveLength(1)
  })

  it.each([
    ['digest', null],
    ['world', 'anyone'],
    ['super', 'x'],
    ['auth', ''],
    ['sasl', 'x'],
    ['x509', 'x'],
    ['nonsense', 'x'],
    [null, 'x'],
  ])('%s with %s proves nothing', (scheme, auth) => {
    expect(prove(scheme, auth)).toBeNull()
  })

  it('are a set that never changes', () => {
    const one = identitiesOfAddress('10.0.0.1')
    const two = one.with([{ scheme: 'digest', id: 'u:h' }])
    expect(two.list).toHaveLength(2)
    expect(one.list).toHaveLength(1)
    expect(two.with([{ scheme: 'digest', id: 'u:h' }])).toBe(two)
  })

  it('are shown by the user of a digest, and by the id of others', () => {
    const ids = [
      { scheme: 'digest', id: 'u:h:x' },
      { scheme: 'ip', id: '::1' },
      { scheme: 'super', id: '' },
      { scheme: 'sasl', id: null },
    ]
    expect(ids.map(userName)).toEqual(['u', '::1', '', ''])
  })
})

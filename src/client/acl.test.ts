import { expect, it } from 'vitest'
import { acl } from './index.ts'
import { fromWireAcl, toWireAcl } from './acl.ts'

it('hashes a password as the servers do', () => {
  expect(acl.digest('super', 'secret')).toEqual({
    scheme: 'digest',
    id: 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=',
    perms: 'cdrwa',
  })
})

it.each(['world:anyone:cdrwa', 'ip:10.0.0.0/8:r,world:anyone:r', 'digest:u:aGFzaA==:cd'])(
  'reads %s and writes it back',
  (text) => {
    const list = acl.parse(text)
    expect(acl.format(list)).toBe(text)
    expect(acl.format(fromWireAcl(toWireAcl(list)))).toBe(text)
  },
)

it.each(['', 'world', 'world:anyone', ':anyone:r', 'world:anyone:x'])('refuses %j', (text) => {
  expect(() => acl.parse(text)).toThrow()
})

it('knows the usual lists', () => {
  expect(acl.format(acl.open())).toBe('world:anyone:cdrwa')
  expect(acl.format(acl.readOnly())).toBe('world:anyone:r')
  expect(acl.format(acl.creatorAll())).toBe('auth::cdrwa')
  expect(acl.format([acl.ip('::1', 'r'), acl.sasl('bob'), acl.x509('CN=bob')])).toBe(
    'ip:::1:r,sasl:bob:cdrwa,x509:CN=bob:cdrwa',
  )
})

import { describe, expect, it } from 'vitest'
import { Prng } from '../../base/prng.ts'
import {
  ConnectionStringError,
  HostRotation,
  formatHost,
  parseConnectionString,
} from './host-list.ts'

describe('a connection string', () => {
  it.each([
    ['localhost', [{ host: 'localhost', port: 2181 }], ''],
    [
      'a:1,b, c:65535',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2181 },
        { host: 'c', port: 65_535 },
      ],
      '',
    ],
    [
      '[::1]:2182,[fe80::1]/x',
      [
        { host: '::1', port: 2182 },
        { host: 'fe80::1', port: 2181 },
      ],
      '/x',
    ],
    ['a/app/one', [{ host: 'a', port: 2181 }], '/app/one'],
    ['a/', [{ host: 'a', port: 2181 }], ''],
  ])('%s is read', (text, hosts, chroot) => {
    expect(parseConnectionString(text)).toEqual({ hosts, chroot })
  })

  it('names all its faults at once', () => {
    const text = 'a:0,,b:x,::1,c/app/'
    expect(() => parseConnectionString(text)).toThrow(ConnectionStringError)
    expect(() => parseConnectionString(text)).toThrow(
      /"a:0".*empty host.*"b:x".*brackets.*chroot "\/app\/": path must not end/,
    )
  })

  it('is written with brackets where a host is an IPv6 address', () => {
    expect(formatHost({ host: '::1', port: 1 })).toBe('[::1]:1')
  })
})

describe('the rotation', () => {
  const hosts = ['a', 'b', 'c', 'd'].map((host) => ({ host, port: 1 }))

  it('tries each host once in each round', () => {
    const rotation = new HostRotation(hosts, new Prng(7))
    const rounds = [1, 2].map(() => hosts.map(() => rotation.next().host))
    expect([...(rounds[0] ?? [])].sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(rounds[1]).toEqual(rounds[0])
    expect([rotation.wentRound, rotation.rounds]).toEqual([true, 2])
    rotation.succeeded()
    expect(rotation.wentRound).toBe(false)
  })

  it('begins with different hosts in different clients', () => {
    const first = new Set<string>()
    for (let seed = 0; seed < 50; seed++)
      first.add(new HostRotation(hosts, new Prng(seed)).next().host)
    expect(first.size).toBe(4)
  })
})

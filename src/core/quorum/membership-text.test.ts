// Memberships as lines: what real servers wrote is read and written back, what is meant otherwise is
// understood, and nonsense is refused with the line that it stands in.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import type { Membership } from './membership.ts'
import {
  InvalidMembership,
  membershipOf,
  sameMembers,
  textWithoutVersion,
  withVersion,
} from './membership-text.ts'
import { HierarchicalQuorum, MajorityQuorum } from './quorum.ts'

const three = `server.1=a:2888:3888:participant;0.0.0.0:2181
server.2=b:2888:3888:participant;0.0.0.0:2181
server.3=c:2888:3888:observer
version=100000015`

const only = (line: string): Membership => membershipOf(line)
const memberOf = (line: string): unknown => {
  const { id, isVoter, quorumAddress, electionAddress, clientAddress } = [
    ...only(line).members.values(),
  ][0]!
  return { id, isVoter, quorumAddress, electionAddress, clientAddress }
}

describe('what Apache servers sent', () => {
  const configs = ['3.8.0', '3.9.5'].flatMap((version) =>
    readFileSync(
      join(import.meta.dirname, '../../../test/golden', `wire-${version}`, 'election.jsonl'),
      'utf8',
    )
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { fields: { config?: string } }).fields.config)
      .filter((config) => config !== undefined),
  )
  const distinct = [...new Set(configs)].map((config) => ({ config }))

  test.each(distinct)('is written back as it was: $config', ({ config }) => {
    expect(membershipOf(config).text).toBe(config)
  })

  test('is of several kinds', () => {
    expect(distinct.length).toBeGreaterThan(5)
    expect(distinct.some(({ config }) => config.includes('|'))).toBe(true)
    expect(distinct.some(({ config }) => config.includes('observer'))).toBe(true)
  })
})

describe('reading', () => {
  test('members, roles, addresses and the version', () => {
    const membership = membershipOf(three)
    expect(membership.version).toBe(0x100000015)
    expect([...membership.members.keys()]).toEqual([1, 2, 3])
    expect([...membership.voters.voters]).toEqual([1, 2])
    expect(membership.voters).toBeInstanceOf(MajorityQuorum)
    expect(membership.members.get(3)!.isVoter).toBe(false)
    expect(membership.text).toBe(three)
  })

  test.each([
    ['server.1=a:1:2', true, null],
    ['server.1=a:1:2:PARTICIPANT', true, null],
    ['server.1=a:1:2:participant;2181', true, { host: '0.0.0.0', port: 2181 }],
    ['server.1 = a:1:2 ; b:2181', true, { host: 'b', port: 2181 }],
    ['server.1:a:1:2;[::1]:2181', true, { host: '::1', port: 2181 }],
  ])('%s', (line, isVoter, clientAddress) => {
    expect(memberOf(line)).toEqual({
      id: 1,
      isVoter,
      quorumAddress: { host: 'a', port: 1 },
      electionAddress: { host: 'a', port: 2 },
      clientAddress,
    })
  })

  test('literals of IPv6 stand in brackets', () => {
    const line = 'server.1=[2001:db8::1]:2888:3888:participant;[::]:2181'
    expect(memberOf(line)).toMatchObject({ quorumAddress: { host: '2001:db8::1', port: 2888 } })
    expect(only(line).text).toBe(`${line}\nversion=0`)
  })

  test('of several addresses the first is used, and all are kept', () => {
    const line = 'server.1=a:1:2|b:3:4:participant;0.0.0.0:2181'
    expect(memberOf('server.1=a:1:2:participant|b:3:4:participant;2181')).toMatchObject({
      electionAddress: { host: 'a', port: 2 },
    })
    expect(only('server.1=a:1:2:participant|b:3:4:participant;2181').text).toBe(
      `${line}\nversion=0`,
    )
  })

  test('in any order, with comments, blanks and escapes, as properties files may be', () => {
    const text =
      '# ours\r\n! too\n\nversion: a\n  server.2 b\\:1\\:2\nserver.1=\\\n    a:1:2:observer\n'
    expect(membershipOf(text).text).toBe(
      'server.1=a:1:2:observer\nserver.2=b:1:2:participant\nversion=a',
    )
  })

  test('groups and weights', () => {
    const text = `server.1=a:1:2:participant
server.2=b:1:2:participant
server.3=c:1:2:participant
server.4=d:1:2:observer
group.1=1:2
group.2=3
weight.1=2
version=5`
    const membership = membershipOf(text)
    expect(membership.voters).toBeInstanceOf(HierarchicalQuorum)
    expect(membership.text).toBe(text)
    expect(membership.voters.weightOf(1)).toBe(2)
    expect(membership.voters.weightOf(3)).toBe(1)
    expect(membership.voters.weightOf(4)).toBe(0)
    expect(membership.voters.containsQuorum(new Set([1, 3]))).toBe(true)
    expect(membership.voters.containsQuorum(new Set([2, 3]))).toBe(false)
  })
})

describe('nonsense', () => {
  test.each([
    ['', 'no server takes part'],
    ['server.1=a:1:2:observer', 'no server takes part'],
    ['server.1=a:1', '"server.1=a:1": a:1 is not host:port:port'],
    ['server.1=a:1:1', 'must differ'],
    ['server.1=a:1:2:voter', 'voter is neither participant nor observer'],
    ['server.1=a:1:2:participant:x', 'is not host:port:port'],
    ['server.1=:1:2', 'is not host:port:port'],
    ['server.1=a:1:70000', 'a port cannot be 70000'],
    ['server.1=a:x:2', 'a port cannot be "x"'],
    ['server.1=a:1:2;b:c:3', 'is not a client address'],
    ['server.1=a:1:2;1;2', 'more than one semicolon'],
    ['server.x=a:1:2', 'the number in server.x cannot be "x"'],
    ['server.-1=a:1:2', 'cannot be "-1"'],
    ['server.1=[::1:1:2', 'does not begin with an address in brackets'],
    ['server.1=a:1:2:observer|b:1:2:participant', 'different roles'],
    ['server.1=a:1:2\nserver.1=b:1:2', 'server.1 is given twice'],
    ['server.1=a:1:2\nclientPort=2181', 'clientPort is none of'],
    ['server.1=a:1:2\nversion=xyz', 'a version is a hexadecimal number'],
    ['server.1=a:1:2\ngroup.1=2', 'group.1 has server 2'],
    ['server.1=a:1:2\nserver.2=b:1:2\ngroup.1=1', 'server 2 is in no group'],
    ['server.1=a:1:2\ngroup.1=1\ngroup.2=1', 'server 1 is in two groups'],
    ['server.1=a:1:2\ngroup.1=1\nweight.1=-1', 'a weight cannot be "-1"'],
  ])('%j', (text, message) => {
    expect(() => membershipOf(text)).toThrow(InvalidMembership)
    expect(() => membershipOf(text)).toThrow(message)
  })
})

describe('versions', () => {
  test('are another thing than members', () => {
    const later = withVersion(membershipOf(three), 0x200000001)
    expect(later.version).toBe(0x200000001)
    expect(later.text).toBe(three.replace('100000015', '200000001'))
    expect([...later.members.keys()]).toEqual([1, 2, 3])
    expect(sameMembers(later, membershipOf(three))).toBe(true)
    expect(textWithoutVersion(later)).toBe(three.split('\n').slice(0, 3).join('\n'))
  })
})

describe('the same members', () => {
  const grouped = 'server.1=a:1:2\nserver.2=b:1:2\ngroup.1=1:2'
  test.each([
    ['server.1=a:1:2', 'server.1=A:1:2', true],
    ['server.1=[::1]:1:2', 'server.1=[0:0:0:0:0:0:0:1]:1:2', true],
    ['server.1=a:1:2|b:3:4', 'server.1=b:3:4|a:1:2', true],
    [grouped, `${grouped}\nweight.1=1`, true],
    [grouped, `${grouped}\nweight.1=2`, false],
    [grouped, 'server.1=a:1:2\nserver.2=b:1:2', false],
    ['server.1=a:1:2', 'server.1=a:1:2;2181', false],
    ['server.1=a:1:2', 'server.1=a:1:3', false],
    ['server.1=a:1:2', 'server.1=a:1:2\nserver.2=b:1:2:observer', false],
    ['server.1=a:1:2\nserver.2=b:1:2', 'server.1=a:1:2\nserver.2=b:1:2:observer', false],
  ])('%j and %j: %s', (one, other, same) => {
    expect(sameMembers(membershipOf(one), membershipOf(other))).toBe(same)
  })
})

// What requests for reconfiguration make of an ensemble of three, and what is refused.

import { describe, expect, test } from 'vitest'

import { membershipOf } from './membership-text.ts'
import { type Change, type Reconfigured, reconfigure } from './reconfigure.ts'

const line = (id: number, role: string = 'participant'): string =>
  `server.${id}=h${id}:2888:3888:${role};h${id}:2181`
const current = membershipOf([line(1), line(2), line(3), 'version=100000003'].join('\n'))
const VERSION = 0x100000009

const ask = (change: Partial<Change>, votersMin: 1 | 2 = 2): Reconfigured =>
  reconfigure(
    current,
    { joining: null, leaving: null, members: null, fromVersion: -1, ...change },
    VERSION,
    votersMin,
  )

const textOf = (outcome: Reconfigured): string =>
  outcome.kind === 'membership' ? outcome.membership.text : `${outcome.kind}: ${outcome.reason}`

describe('one by one', () => {
  test('a server joins', () => {
    expect(textOf(ask({ joining: line(4) }))).toBe(
      [line(1), line(2), line(3), line(4), 'version=100000009'].join('\n'),
    )
  })

  test('the number alone says as much as the whole key', () => {
    expect(textOf(ask({ joining: line(4).replace('server.', '') }))).toContain(line(4))
  })

  test('one leaves while another comes, even to its addresses', () => {
    const joining = 'server.4=h3:2888:3888;h3:2181'
    expect(textOf(ask({ joining, leaving: '3' }))).toBe(
      [line(1), line(2), 'server.4=h3:2888:3888:participant;h3:2181', 'version=100000009'].join(
        '\n',
      ),
    )
  })

  test('a member changes its role', () => {
    expect(textOf(ask({ joining: line(2, 'observer') }))).toContain(line(2, 'observer'))
  })

  test('who leaves need not be there', () => {
    expect(textOf(ask({ leaving: '9' }))).toContain(line(3))
  })

  test('several, with blanks between', () => {
    const outcome = ask({ joining: `${line(4)}, ${line(5)}`, leaving: '1, 2' })
    expect(textOf(outcome)).toBe([line(3), line(4), line(5), 'version=100000009'].join('\n'))
  })

  test('does not change what there was', () => {
    ask({ joining: line(4), leaving: '1' })
    expect([...current.members.keys()]).toEqual([1, 2, 3])
  })
})

describe('all at once', () => {
  test('with commas or line ends, and whatever version is written', () => {
    const text = [line(7), line(8), 'version=100000009'].join('\n')
    expect(textOf(ask({ members: `${line(7)},${line(8)},version=77` }))).toBe(text)
    expect(textOf(ask({ members: `${line(7)}\n${line(8)}` }))).toBe(text)
  })

  test('may count by groups, and then only all at once', () => {
    const members = [line(1), line(2), line(3), 'group.1=1:2:3', 'weight.1=2'].join(',')
    const grouped = ask({ members })
    expect(textOf(grouped)).toContain('weight.1=2')
    if (grouped.kind !== 'membership') return
    const change = { joining: line(4), leaving: null, members: null, fromVersion: -1 }
    expect(reconfigure(grouped.membership, change, VERSION + 1, 2).kind).toBe('bad-arguments')
  })
})

describe('refused', () => {
  test('for another version than there is', () => {
    expect(ask({ fromVersion: 0x100000002 }).kind).toBe('bad-version')
    expect(ask({ fromVersion: 0x100000003, leaving: '1' }).kind).toBe('membership')
  })

  test('for too few voters', () => {
    expect(ask({ leaving: '1,2' }).kind).toBe('bad-arguments')
    expect(ask({ leaving: '1,2' }, 1).kind).toBe('membership')
    expect(ask({ leaving: '1,2,3' }, 1).kind).toBe('bad-arguments')
  })

  test.each([
    ['a server without a client port', { joining: 'server.4=h4:1:2' }],
    ['what is no server', { joining: 'h4:1:2;3' }],
    ['a group', { joining: 'group.1=1' }],
    ['a number that is none', { leaving: 'server.1' }],
    ['an address of another server', { joining: 'server.4=h3:2888:9999;h4:2181' }],
    ['its client address', { joining: 'server.4=h4:2181:9999;H3:2181' }],
    ['nonsense as members', { members: 'nonsense' }],
    ['members without a voter', { members: line(1, 'observer') }],
  ])('%s', (_, change) => {
    expect(ask(change).kind).toBe('bad-arguments')
  })

  test('not for wildcards and loops, which every machine has for itself', () => {
    const members = '127.0.0.1 localhost ::1 0.0.0.0 ::'.split(' ')
    for (const host of members) {
      const text = host.includes(':') ? `[${host}]` : host
      const both = (id: number): string => `server.${id}=${text}:1:2:participant;${text}:3`
      const before = membershipOf(`${both(1)}\n${both(2)}`)
      const change = { joining: both(3), leaving: null, members: null, fromVersion: -1 }
      expect(textOf(reconfigure(before, change, VERSION, 2))).toContain(both(3))
    }
  })
})

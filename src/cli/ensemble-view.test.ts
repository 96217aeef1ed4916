// What is shown of a development ensemble, on a terminal and elsewhere.

import { describe, expect, test } from 'vitest'
import type { Zxid } from '../base/zxid.ts'
import { EnsembleView, type MemberFacts } from './ensemble-view.ts'

const member = (id: number, facts: Partial<MemberFacts> = {}): MemberFacts => ({
  id,
  port: 2180 + id,
  role: 'follower',
  leaderId: 2,
  epoch: 3,
  zxid: (3 * 2 ** 32 + 7) as Zxid,
  connectionCount: 0,
  failure: null,
  ...facts,
})

const view = (isTerminal: boolean): EnsembleView =>
  new EnsembleView({ version: '1.2.3', directory: './data/ensemble', isTerminal })

test('the opening says where to connect', () => {
  const text = view(true).opening([member(1), member(2)])
  expect(text).toContain('Zabra 1.2.3: an ensemble of 2 servers')
  expect(text).toContain('127.0.0.1:2181,127.0.0.1:2182\n')
})

describe('where nobody looks', () => {
  test('a line for each server, then one for each change', () => {
    const lines = view(false)
    const [one, two] = [member(1), member(2, { role: 'leader', connectionCount: 1 })]
    expect(lines.update([one, two])).toBe(
      'server 1: follower of server 2, epoch 3, zxid 0x300000007, 0 connections\n' +
        'server 2: leader, epoch 3, zxid 0x300000007, 1 connection\n',
    )
    expect(lines.update([one, two])).toBe('')
    expect(lines.update([one, member(2, { role: 'ended', failure: 'the disk is full' })])).toBe(
      'server 2: ended: the disk is full\n',
    )
  })

  test('a write is no change', () => {
    const lines = view(false)
    lines.update([member(1)])
    expect(lines.update([member(1, { zxid: (3 * 2 ** 32 + 8) as Zxid })])).toBe('')
  })
})

describe('on a terminal', () => {
  test('a table, drawn anew in its place', () => {
    const table = view(true)
    const [one, two] = [member(1), member(2, { role: 'leader', connectionCount: 12 })]
    expect(table.update([one, two])).toBe(
      '  server  port   role       epoch  zxid            connections\n' +
        '  1       2181   follower   3      0x300000007     0\n' +
        '  2       2182   LEADER     3      0x300000007     12\n',
    )
    expect(table.update([one, two])).toBe('')
    const again = table.update([member(1, { role: 'looking' }), two])
    expect(again.startsWith('\x1b[3A\x1b[0J  server')).toBe(true)
    expect(again).toContain('looking')
  })
})

import { beforeEach, describe, expect, it } from 'vitest'

import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import { DEFAULT_PIPELINE_SETTINGS } from '../pipeline/settings.ts'
import type { ConnectRequest } from '../records/connect.ts'
import { sessionPassword } from '../session/password.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { ClientConnection } from './client-connection.ts'
import { OWNED_HERE, SessionDesk } from './session-desk.ts'

const settings = {
  ...DEFAULT_PIPELINE_SETTINGS,
  tickMs: 2_000,
  minSessionTimeoutMs: 4_000,
  maxSessionTimeoutMs: 40_000,
}
const FIRST = sessionIdOf(0x01ff_ffff_ffff_fffen)

let database: Database
let desk: SessionDesk
beforeEach(() => {
  database = new Database(new NaiveTree(settings), settings)
  desk = new SessionDesk(database, settings, FIRST)
})

const request = (id: SessionId, timeOut = 10_000): ConnectRequest => ({
  protocolVersion: 0,
  lastZxidSeen: 0n,
  timeOut,
  sessionId: id,
  passwd: sessionPassword(id),
  readOnly: false,
})

const connection = (id: number): ClientConnection =>
  new ClientConnection(id, '127.0.0.1', 1, 1000, 0, 0)

it('ids count up, over the end of the low words, and pass over those that live', () => {
  desk.tracker.add(sessionIdOf(FIRST + 1n), 4_000, 0)
  expect(desk.newId()).toBe(FIRST)
  expect(desk.newId()).toBe(FIRST + 2n)
  expect(desk.newId()).toBe(FIRST + 3n)
})

it('ids beyond 63 bits are signed, as everywhere', () => {
  const last = new SessionDesk(database, settings, sessionIdOf(2n ** 63n - 1n))
  expect(last.newId()).toBe(2n ** 63n - 1n)
  expect(last.newId()).toBe(-(2n ** 63n))
})

it('the sessions of a recovered database have their full time from now', () => {
  database.sessions.set(FIRST, 6_000)
  desk.adoptAll(100_500)
  expect(desk.tracker.get(FIRST)).toMatchObject({ timeoutMs: 6_000, deadlineMs: 108_000 })
})

it('a session is renewed with the timeout that is asked for now, and has a new owner', () => {
  desk.tracker.add(FIRST, 4_000, 0)
  expect(desk.renew(FIRST, 40_000, 7, 3_000)).toMatchObject({
    timeoutMs: 40_000,
    deadlineMs: 44_000,
    owner: 7,
  })
})

it('only its own password opens a session', () => {
  expect(desk.isPasswordRight(request(FIRST))).toBe(true)
  const other = sessionPassword(sessionIdOf(FIRST + 1n))
  for (const passwd of [other, other.subarray(0, 15), new Uint8Array(0), null]) {
    expect(desk.isPasswordRight({ ...request(FIRST), passwd })).toBe(false)
  }
})

it('a session that is not there, or whose end is under way, is not renewed', () => {
  expect(desk.renew(FIRST, 4_000, OWNED_HERE, 0)).toBeNull()
  desk.tracker.markClosing(desk.tracker.add(FIRST, 4_000, 0))
  expect(desk.renew(FIRST, 40_000, 7, 0)).toMatchObject({
    closing: true,
    timeoutMs: 4_000,
    owner: null,
  })
})

it('a former connection that goes does not take the session from the present one', () => {
  const session = desk.tracker.add(FIRST, 4_000, 0)
  const [former, present] = [connection(1), connection(2)]
  desk.attach(former, session)
  desk.attach(present, session)
  desk.detach(former)
  expect(desk.connectionOf(FIRST)).toBe(present)
  desk.detach(present)
  expect(desk.connectionOf(FIRST)).toBeUndefined()
})

it('a connection knows its session by both words', () => {
  const session = desk.tracker.add(sessionIdOf(0xff00_0001_8000_0002n), 4_000, 0)
  const one = connection(1)
  desk.attach(one, session)
  expect([one.sessionHigh, one.sessionLow]).toEqual([0xff000001 | 0, 0x80000002 | 0])
})

it('what ends is forgotten, and its connection handed back', () => {
  const one = connection(1)
  desk.attach(one, desk.tracker.add(FIRST, 4_000, 0))
  expect(desk.ended(FIRST)).toBe(one)
  expect(desk.connectionOf(FIRST)).toBeUndefined()
  expect(desk.tracker.size).toBe(0)
  expect(desk.ended(FIRST)).toBeUndefined()
})

describe('a session that is becoming everybody’s', () => {
  const leading = (): SessionDesk => {
    const both = new SessionDesk(database, settings, FIRST, undefined, true)
    both.addLocal(FIRST, 4_000, 0).scope = 'upgrading'
    both.tracker.add(FIRST, 4_000, 0)
    return both
  }

  it('is kept alive in both tables until then', () => {
    const both = leading()
    both.attach(connection(1), both.local!.get(FIRST)!)
    both.touch(both.local!.get(FIRST)!, 3_000)
    expect(both.local!.expired(6_999)).toEqual([])
    expect(both.tracker.expired(6_999)).toEqual([])
    both.upgraded(both.local!.get(FIRST)!, 3_000)
    expect(both.local!.size).toBe(0)
    expect(both.tracker.expired(8_000)).toHaveLength(1)
  })

  it('goes on becoming that for a client that comes back meanwhile', () => {
    const both = leading()
    const session = both.addLocal(FIRST, 4_000, 1_000)
    expect(session.scope).toBe('upgrading')
    const one = connection(1)
    both.attach(one, session)
    both.upgraded(session, 1_000)
    expect(one.session).toBe(both.tracker.get(FIRST))
    expect(one.session!.scope).toBe('global')
  })

  it('stays with the server that its client has gone on to', () => {
    const both = leading()
    both.attach(connection(1), both.local!.get(FIRST)!)
    both.renew(FIRST, 4_000, 7, 1_000)
    both.upgraded(both.local!.get(FIRST)!, 1_000)
    expect(both.local!.size).toBe(0)
    expect(both.tracker.get(FIRST)!.owner).toBe(7)
  })

  it('is closing in both tables, or forgotten in its own alone', () => {
    const both = leading()
    both.markClosing(both.local!.get(FIRST)!)
    expect([both.local!, both.tracker].map((table) => table.get(FIRST)!.closing)).toEqual([
      true,
      true,
    ])
    both.endedHere(FIRST)
    expect([both.local!.size, both.tracker.size]).toEqual([0, 1])
  })
})

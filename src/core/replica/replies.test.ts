import { beforeEach, expect, it } from 'vitest'

import { sessionIdOf } from '../../base/session-id.ts'
import { toHex } from '../../base/text.ts'
import { type Zxid, ZXID_NONE, zxidOf } from '../../base/zxid.ts'
import { JuteWriter } from '../jute/writer.ts'
import { EventType } from '../records/watches.ts'
import {
  beginReply,
  finishReply,
  writeConnected,
  writeHeaderReply,
  writeNotification,
  writeSessionInvalid,
} from './replies.ts'

let out: JuteWriter
beforeEach(() => {
  out = new JuteWriter(8)
})

const written = (): string => toHex(out.view())

it('a bare reply is its header, with the length before it', () => {
  writeHeaderReply(out, -2, 0xd2 as Zxid, 0)
  expect(written()).toBe('00000010fffffffe00000000000000d200000000')
})

it('a zxid with an epoch, none at all, and an error', () => {
  writeHeaderReply(out, 1, zxidOf(0x12345, 0xfffffff0), -101)
  writeHeaderReply(out, 1, ZXID_NONE, -6)
  expect(written()).toBe(
    '000000100000000100012345fffffff0ffffff9b' + '0000001000000001fffffffffffffffffffffffa',
  )
})

it('a reply with a body counts it, whatever stands before it in the output', () => {
  writeHeaderReply(out, 1, 1 as Zxid, 0)
  const start = beginReply(out)
  out.ustring('/hello')
  finishReply(out, start, 1, 0xc3 as Zxid, 0)
  expect(written().slice(40)).toBe(
    '0000001a0000000100000000000000c300000000' + '000000062f68656c6c6f',
  )
})

it('a notification', () => {
  writeNotification(out, EventType.nodeDataChanged, '/hello', 0xc4 as Zxid)
  writeNotification(out, EventType.nodeDeleted, '/é', ZXID_NONE)
  expect(written()).toBe(
    '00000022ffffffff00000000000000c4000000000000000300000003000000062f68656c6c6f' +
      '0000001fffffffffffffffffffffffff000000000000000200000003000000032fc3a9',
  )
})

it('the answer to a handshake, with and without the byte that old clients do not know', () => {
  const session = {
    id: sessionIdOf(0x0100000d363b0000n),
    timeoutMs: 10_000,
    closing: false,
    deadlineMs: Infinity,
    owner: null,
    scope: 'global' as const,
  }
  const common = '00000000000027100100000d363b00000000001027cd974e28957c97dd3dee46b12d6382'
  writeConnected(out, session, true)
  writeConnected(out, session, false)
  expect(written()).toBe(`00000025${common}00` + `00000024${common}`)
})

it('a session that is over has no timeout, no id and no password', () => {
  const common = `${'00'.repeat(16)}00000010${'00'.repeat(16)}`
  writeSessionInvalid(out, true)
  writeSessionInvalid(out, false)
  expect(written()).toBe(`00000025${common}00` + `00000024${common}`)
})

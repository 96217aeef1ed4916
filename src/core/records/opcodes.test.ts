import { expect, test } from 'vitest'

import {
  CreateMode,
  OpCode,
  TTL_MS_MAX,
  Xid,
  isCreateMode,
  isEphemeral,
  isSequential,
  isTtl,
  opKind,
  opName,
} from './opcodes.ts'

// ZooKeeper 3.9 `ZooDefs.OpCode`, and what becomes of each when a client sends it by itself.
const TABLE = [
  [-11, 'closeSession', 'write'],
  [-10, 'createSession', 'refused'],
  [-1, 'error', 'refused'],
  [0, 'notification', 'refused'],
  [1, 'create', 'write'],
  [2, 'delete', 'write'],
  [3, 'exists', 'read'],
  [4, 'getData', 'read'],
  [5, 'setData', 'write'],
  [6, 'getACL', 'read'],
  [7, 'setACL', 'write'],
  [8, 'getChildren', 'read'],
  [9, 'sync', 'special'],
  [11, 'ping', 'special'],
  [12, 'getChildren2', 'read'],
  [13, 'check', 'refused'],
  [14, 'multi', 'write'],
  [15, 'create2', 'write'],
  [16, 'reconfig', 'write'],
  [17, 'checkWatches', 'read'],
  [18, 'removeWatches', 'read'],
  [19, 'createContainer', 'write'],
  [20, 'deleteContainer', 'refused'],
  [21, 'createTTL', 'write'],
  [22, 'multiRead', 'read'],
  [100, 'auth', 'special'],
  [101, 'setWatches', 'read'],
  [102, 'sasl', 'special'],
  [103, 'getEphemerals', 'read'],
  [104, 'getAllChildrenNumber', 'read'],
  [105, 'setWatches2', 'read'],
  [106, 'addWatch', 'read'],
  [107, 'whoAmI', 'read'],
] as const

test('the table of operations is the protocol’s', () => {
  const codes = Object.values(OpCode).sort((a, b) => a - b)
  expect(codes.map((code) => [code, opName(code), opKind(code)])).toEqual(TABLE)
})

test.each([10, 12345, -2, 23, 108])('the unassigned code %i is refused', (code) => {
  expect(opKind(code)).toBe('refused')
  expect(opName(code)).toBe(`op ${code}`)
})

test('the xids with a meaning of their own are the protocol’s', () => {
  expect(Xid).toEqual({ notification: -1, ping: -2, auth: -4, setWatches: -8 })
})

test.each([
  [0, 'persistent', false, false, false],
  [1, 'ephemeral', true, false, false],
  [2, 'persistentSequential', false, true, false],
  [3, 'ephemeralSequential', true, true, false],
  [4, 'container', false, false, false],
  [5, 'persistentTtl', false, false, true],
  [6, 'persistentSequentialTtl', false, true, true],
] as const)(
  'create with flags %i makes a node that is %s',
  (flags, name, ephemeral, sequential, ttl) => {
    expect(isCreateMode(flags)).toBe(true)
    expect(CreateMode[name]).toBe(flags)
    expect([isEphemeral(flags), isSequential(flags), isTtl(flags)]).toEqual([
      ephemeral,
      sequential,
      ttl,
    ])
  },
)

test('other flags are no mode', () => {
  expect([-1, 7, 8, 1 << 31].map(isCreateMode)).toEqual([false, false, false, false])
})

test('the longest time to live is 40 bits of milliseconds', () => {
  expect(TTL_MS_MAX).toBe(1_099_511_627_775)
})

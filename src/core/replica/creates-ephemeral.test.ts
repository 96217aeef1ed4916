// Which requests leave an ephemeral node behind (ZooKeeper 3.9
// `QuorumZooKeeperServer.checkUpgradeSession`).

import { expect, test } from 'vitest'

import { JuteReader } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import { WORLD_ALL } from '../records/acl.ts'
import { multiHeader } from '../records/multi.ts'
import { CreateMode, OpCode } from '../records/opcodes.ts'
import { createRequest, createTtlRequest, deleteRequest } from '../records/requests.ts'
import { createsEphemeral } from './creates-ephemeral.ts'

type Write = (out: JuteWriter) => void

const create =
  (flags: number): Write =>
  (out) =>
    createRequest.write(out, { path: '/a', data: new Uint8Array(3), acl: WORLD_ALL, flags })

const createTtl =
  (flags: number): Write =>
  (out) =>
    createTtlRequest.write(out, {
      path: '/a',
      data: new Uint8Array(3),
      acl: WORLD_ALL,
      flags,
      ttl: 5n,
    })

const remove: Write = (out) => deleteRequest.write(out, { path: '/a', version: -1 })

const multi =
  (...operations: readonly (readonly [type: number, write: Write])[]): Write =>
  (out) => {
    for (const [type, write] of operations) {
      multiHeader.write(out, { type, done: false, err: -1 })
      write(out)
    }
    multiHeader.write(out, { type: -1, done: true, err: -1 })
  }

function isEphemeral(op: number, write: Write, cutBy = 0): boolean {
  const out = new JuteWriter()
  out.int(7)
  write(out)
  const reader = new JuteReader(out.copy().subarray(0, out.position - cutBy))
  reader.int()
  const result = createsEphemeral(op, reader)
  expect(reader.position).toBe(4)
  return result
}

test.each([
  [true, 'an ephemeral node', OpCode.create, create(CreateMode.ephemeral)],
  [true, 'one with a number', OpCode.create2, create(CreateMode.ephemeralSequential)],
  [false, 'a persistent node', OpCode.create, create(CreateMode.persistentSequential)],
  [false, 'a mode that does not exist', OpCode.create, create(77)],
  [false, 'a container, whatever its flags', OpCode.createContainer, create(CreateMode.ephemeral)],
  [false, 'a node with a time to live, too', OpCode.createTTL, createTtl(CreateMode.ephemeral)],
  [false, 'another request', OpCode.delete, remove],
  [
    true,
    'a multi in which a container has the flags of one',
    OpCode.multi,
    multi([OpCode.delete, remove], [OpCode.createContainer, create(CreateMode.ephemeral)]),
  ],
  [
    true,
    'a multi in which a time to live is asked for as well',
    OpCode.multi,
    multi([OpCode.createTTL, createTtl(CreateMode.ephemeralSequential)]),
  ],
  [
    false,
    'a multi of other operations',
    OpCode.multi,
    multi([OpCode.createTTL, createTtl(CreateMode.persistentTtl)], [OpCode.delete, remove]),
  ],
  [false, 'an empty multi', OpCode.multi, multi()],
])('%s: %s', (expected, _, op, write) => {
  expect(isEphemeral(op, write)).toBe(expected)
})

test('what cannot be read leaves none behind: it is refused for that', () => {
  expect(isEphemeral(OpCode.create, create(CreateMode.ephemeral), 1)).toBe(false)
  expect(isEphemeral(OpCode.multi, multi([OpCode.delete, remove]), 1)).toBe(false)
  expect(isEphemeral(OpCode.multi, multi([OpCode.getData, remove]))).toBe(false)
})

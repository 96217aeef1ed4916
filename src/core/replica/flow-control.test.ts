import { beforeEach, expect, it } from 'vitest'

import {
  OUTSTANDING_PER_CONNECTION_MAX,
  QUEUED_BYTES_PER_CONNECTION_MAX,
} from '../../base/limits.ts'
import { ClientConnection } from './client-connection.ts'
import { mayResume, needsPause } from './flow-control.ts'

let connection: ClientConnection
beforeEach(() => {
  connection = new ClientConnection(1, '127.0.0.1', 1, 1 << 20, 0, 0)
  connection.state = 'open'
})

function ask(count: number): void {
  const { identities } = connection
  for (let xid = 0; xid < count; xid++) {
    connection.queue.push({
      xid,
      op: 1,
      isBlocked: true,
      body: null,
      identities,
      byteCount: 0,
      arrivedMs: 0,
    })
  }
}

it('nothing asked is no reason to wait', () => {
  expect([needsPause(connection), mayResume(connection)]).toEqual([false, true])
})

it('too many requests are, until half of them are answered', () => {
  ask(OUTSTANDING_PER_CONNECTION_MAX)
  expect([needsPause(connection), mayResume(connection)]).toEqual([false, false])
  ask(1)
  expect([needsPause(connection), mayResume(connection)]).toEqual([true, false])
  while (connection.queue.length > OUTSTANDING_PER_CONNECTION_MAX / 2) connection.queue.shift()
  expect([needsPause(connection), mayResume(connection)]).toEqual([false, true])
})

it('so are too many bytes', () => {
  connection.queuedBytes = QUEUED_BYTES_PER_CONNECTION_MAX + 1
  expect([needsPause(connection), mayResume(connection)]).toEqual([true, false])
  connection.queuedBytes = QUEUED_BYTES_PER_CONNECTION_MAX / 2
  expect([needsPause(connection), mayResume(connection)]).toEqual([false, true])
})

it('what is sent behind a handshake waits in bounds', () => {
  connection.framer.push(new Uint8Array((64 << 10) + 1))
  connection.framer.keepRest()
  expect(needsPause(connection)).toBe(false)
  connection.state = 'connecting'
  expect(needsPause(connection)).toBe(true)
})

import { expect, test } from 'vitest'

import type { Zxid } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import {
  type ConnectResponse,
  PASSWORD_BYTES,
  readConnectRequest,
  readConnectResponse,
  writeConnectRequest,
  writeConnectResponse,
} from './connect.ts'

const response: ConnectResponse = {
  protocolVersion: 0,
  timeOut: 10_000,
  sessionId: 0x0100000d363b0000n,
  passwd: new Uint8Array(PASSWORD_BYTES),
  readOnly: false,
}
const request = { ...response, lastZxidSeen: 7 as Zxid }

function bytesOf(write: (writer: JuteWriter) => void): Uint8Array {
  const writer = new JuteWriter()
  write(writer)
  return writer.copy()
}

test('a handshake has 45 and 37 bytes, and one less from those that do not know read-only', () => {
  const lengths = [false, null].map((readOnly) => [
    bytesOf((writer) => writeConnectRequest(writer, { ...request, readOnly })).length,
    bytesOf((writer) => writeConnectResponse(writer, { ...response, readOnly })).length,
  ])
  expect(lengths).toEqual([
    [45, 37],
    [44, 36],
  ])
})

test('a missing last byte is null, and any byte but 0 is true', () => {
  const bytes = bytesOf((writer) => writeConnectRequest(writer, request))
  expect(readConnectRequest(new JuteReader(bytes, 0, 44)).readOnly).toBeNull()
  bytes[44] = 0x80
  expect(readConnectRequest(new JuteReader(bytes)).readOnly).toBe(true)
})

test('bytes behind the last one are left alone', () => {
  const bytes = bytesOf((writer) => {
    writeConnectResponse(writer, response)
    writer.int(9)
  })
  const reader = new JuteReader(bytes)
  expect(readConnectResponse(reader)).toEqual(response)
  expect(reader.remaining).toBe(4)
})

test('a stranger may claim to have seen any zxid', () => {
  const bytes = bytesOf((writer) => writeConnectRequest(writer, request))
  bytes[4] = 0x7f
  expect(readConnectRequest(new JuteReader(bytes)).lastZxidSeen).toBe(0x7f00000000000007n)
})

test('a handshake that is too short for its fixed fields is malformed', () => {
  const bytes = bytesOf((writer) => writeConnectRequest(writer, request))
  for (let end = 0; end < 44; end++) {
    expect(() => readConnectRequest(new JuteReader(bytes, 0, end))).toThrow(MalformedRecord)
  }
})

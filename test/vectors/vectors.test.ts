// Bytes and what they mean, from Apache ZooKeeper: each vector is a sequence of records that must
// be read from the bytes, and give the same bytes when it is written.
//
// In the JSON `{"$long": "0x…"}` is a 64-bit integer and `{"$bytes": "…"}` bytes in hexadecimal.

import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { sessionIdOf } from '../../src/base/session-id.ts'
import { toHex } from '../../src/base/text.ts'
import type { Zxid } from '../../src/base/zxid.ts'
import { JuteReader, MalformedRecord } from '../../src/core/jute/reader.ts'
import type { Codec } from '../../src/core/jute/schema.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import * as acl from '../../src/core/records/acl.ts'
import * as connect from '../../src/core/records/connect.ts'
import * as headers from '../../src/core/records/headers.ts'
import * as multi from '../../src/core/records/multi.ts'
import * as requests from '../../src/core/records/requests.ts'
import * as responses from '../../src/core/records/responses.ts'
import * as stat from '../../src/core/records/stat.ts'
import * as txn from '../../src/core/records/txn.ts'
import * as watches from '../../src/core/records/watches.ts'

interface Vector {
  readonly name: string
  readonly bytes: string
  readonly records: readonly (readonly [record: string, value: unknown])[]
}

/** The two records of the handshake have an optional end, so they are functions and not schemas. */
const HANDSHAKE = {
  connectRequest: {
    read: connect.readConnectRequest,
    write: (writer: JuteWriter, request: connect.ConnectRequest): void =>
      connect.writeConnectRequest(writer, {
        ...request,
        lastZxidSeen: Number(request.lastZxidSeen) as Zxid,
      }),
  },
  connectResponse: { read: connect.readConnectResponse, write: connect.writeConnectResponse },
}

const CODECS: ReadonlyMap<string, Codec<unknown>> = new Map(
  [acl, HANDSHAKE, headers, multi, requests, responses, stat, txn, watches].flatMap((module) =>
    Object.entries(module).filter(
      (entry): entry is [string, Codec<unknown>] =>
        typeof (entry[1] as Partial<Codec<unknown>>).read === 'function',
    ),
  ),
)

const frames = load('client-frames.json')
const transactions = load('transactions.json')
const records = load('records.json')

describe('frames of the client protocol', () => {
  test.each(frames)('$name', ({ bytes, records }) => {
    const frame = bytesOf(bytes)
    const reader = new JuteReader(frame)
    expect(reader.int()).toBe(frame.length - 4)
    expectRead(reader, records)
    expect(written(records)).toBe(toHex(frame.subarray(4)))
  })
})

describe.each([
  ['entries of the transaction log', transactions],
  ['single records', records],
])('%s', (_name, vectors) => {
  test.each(vectors)('$records.0.0: $name', ({ bytes, records }) => {
    expectRead(new JuteReader(bytesOf(bytes)), records)
    expect(written(records)).toBe(toHex(bytesOf(bytes)))
  })
})

test('every record that has a schema has a vector of its own', () => {
  const seen = new Set(records.flatMap((vector) => vector.records.map(([name]) => name)))
  // A list of permissions is part of the vectors of the requests that carry one.
  const missing = [...CODECS.keys()].filter((name) => !seen.has(name) && name !== 'aclList')
  expect(missing).toEqual([])
})

test('a record cut short at any byte is malformed', () => {
  // Cut before its last byte, a handshake is one of an older client or server.
  const cuttable = records.filter((vector) => !(vector.records[0]![0] in HANDSHAKE))
  for (const { bytes, records } of cuttable) {
    const [name] = records[0]!
    const whole = bytesOf(bytes)
    for (let end = 0; end < whole.length; end++) {
      const reader = new JuteReader(whole, 0, end)
      expect(() => CODECS.get(name)!.read(reader), `${name} of ${end} bytes`).toThrow(
        MalformedRecord,
      )
    }
  }
})

function expectRead(reader: JuteReader, records: Vector['records']): void {
  for (const [name, value] of records) {
    const codec = CODECS.get(name)
    expect(codec, name).toBeDefined()
    expect(codec!.read(reader), name).toEqual(value)
  }
  expect(reader.remaining).toBe(0)
}

function written(records: Vector['records']): string {
  const writer = new JuteWriter(16)
  for (const [name, value] of records) CODECS.get(name)!.write(writer, value)
  return toHex(writer.view())
}

function load(file: string): Vector[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8')
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value
    if ('$long' in value) return sessionIdOf(BigInt(value.$long as string))
    if ('$bytes' in value) return bytesOf(value.$bytes as string)
    return value
  }).vectors
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) =>
    Number.parseInt(pair, 16),
  )
}

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { type Zxid, EPOCH_LIMIT, zxidOf } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from './reader.ts'
import {
  type Codec,
  bool,
  buffer,
  int,
  long,
  record,
  safeLong,
  ustring,
  vector,
  zxid,
} from './schema.ts'
import { JuteWriter } from './writer.ts'

/** A codec together with a value of its type. */
interface Sample {
  readonly codec: Codec<unknown>
  readonly value: unknown
}

const of = <T>(codec: Codec<T>, values: fc.Arbitrary<T>): fc.Arbitrary<Sample> =>
  values.map((value) => ({ codec: codec as Codec<unknown>, value }))

const text = fc.option(fc.string({ unit: 'binary', maxLength: 30 }))
const bytes = fc.option(fc.uint8Array({ maxLength: 120 }))
const anyZxid: fc.Arbitrary<Zxid> = fc
  .tuple(fc.integer({ min: 0, max: EPOCH_LIMIT - 1 }), fc.integer())
  .map(([epoch, counter]) => zxidOf(epoch, counter))

const pair = record({ name: ustring, items: vector(record({ key: int, body: buffer })), end: bool })
const anyPair = fc.record({
  name: text,
  items: fc.option(fc.array(fc.record({ key: fc.integer(), body: bytes }), { maxLength: 4 })),
  end: fc.boolean(),
})

const sample = fc.oneof(
  of(bool, fc.boolean()),
  of(int, fc.integer()),
  of(long, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  of(safeLong, fc.maxSafeInteger()),
  of(zxid, fc.oneof(anyZxid, fc.constant(-1 as Zxid))),
  of(ustring, text),
  of(buffer, bytes),
  of(vector(long), fc.option(fc.array(fc.bigInt({ min: -5n, max: 5n }), { maxLength: 5 }))),
  of(pair, anyPair),
)
const samples = fc.array(sample, { maxLength: 12 })

function write(samples: readonly Sample[], capacity = 1): JuteWriter {
  const writer = new JuteWriter(capacity)
  for (const { codec, value } of samples) codec.write(writer, value)
  return writer
}

test('what was written comes back, wherever in an array it stands', () => {
  fc.assert(
    fc.property(samples, fc.nat(9), (samples, offset) => {
      const written = write(samples).view()
      const around = new Uint8Array(offset + written.length + 9).fill(0xee)
      around.set(written, offset)
      const reader = new JuteReader(around, offset, offset + written.length)
      for (const { codec, value } of samples) expect(codec.read(reader)).toEqual(value)
      expect(reader.remaining).toBe(0)
    }),
  )
})

test('every truncation is noticed', () => {
  fc.assert(
    fc.property(samples, fc.nat(), (samples, cut) => {
      const whole = write(samples).copy()
      fc.pre(whole.length > 0)
      const reader = new JuteReader(whole, 0, cut % whole.length)
      expect(() => {
        for (const { codec } of samples) codec.read(reader)
      }).toThrow(MalformedRecord)
    }),
  )
})

test('any bytes give a value or a MalformedRecord, and never more than they hold', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), samples, (bytes, samples) => {
      const reader = new JuteReader(bytes)
      try {
        for (const { codec } of samples) codec.read(reader)
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedRecord)
      }
      expect(reader.position).toBeLessThanOrEqual(bytes.length)
    }),
  )
})

test('64-bit numbers are written alike, whichever way they are held', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const writer = new JuteWriter()
      writer.safeLong(value)
      writer.long(BigInt(value))
      const view = new DataView(writer.bytes.buffer)
      expect(view.getBigInt64(0)).toBe(BigInt(value))
      expect(view.getBigInt64(8)).toBe(BigInt(value))
    }),
  )
})

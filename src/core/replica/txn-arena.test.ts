import { expect, it } from 'vitest'

import { TxnArena } from './txn-arena.ts'

it('what was written stays as it is, however much is written after it', () => {
  const arena = new TxnArena()
  const entries: { bytes: Uint8Array; start: number; end: number; mark: number }[] = []
  for (let mark = 0; mark < 200; mark++) {
    const out = arena.begin()
    const start = out.position
    for (let i = 0; i < (mark % 7) * 3_000 + 1; i++) out.byte(mark)
    entries.push({ bytes: out.bytes, start, end: out.position, mark })
  }
  for (const { bytes, start, end, mark } of entries) {
    expect(bytes.subarray(start, end).every((byte) => byte === mark)).toBe(true)
  }
})

it('small transactions share an array', () => {
  const arena = new TxnArena()
  const first = arena.begin()
  const { bytes } = first
  first.int(1)
  expect(arena.begin().bytes).toBe(bytes)
})

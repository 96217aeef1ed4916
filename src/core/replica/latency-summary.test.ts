import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LatencySummary } from './latency-summary.ts'

const summaryOf = (times: readonly number[]): LatencySummary => {
  const summary = new LatencySummary()
  for (const ms of times) summary.add(ms)
  return summary
}

describe('latency summary', () => {
  test('of nothing is zeros', () => {
    const summary = new LatencySummary()
    expect([summary.count, summary.minMs, summary.maxMs, summary.percentile(0.99)]).toEqual([
      0, 0, 0, 0,
    ])
  })

  test('counts, sums and keeps the extremes', () => {
    const { count, sumMs, minMs, maxMs } = summaryOf([7, 3, 200_000, 5])
    expect({ count, sumMs, minMs, maxMs }).toEqual({
      count: 4,
      sumMs: 200_015,
      minMs: 3,
      maxMs: 200_000,
    })
  })

  test('begins anew after a reset', () => {
    const summary = summaryOf([5, 1000])
    summary.reset()
    summary.add(2)
    expect([summary.count, summary.maxMs, summary.percentile(1)]).toEqual([1, 2, 2])
  })

  test('percentiles are within a sixteenth of those of a sorted list', () => {
    const times = fc.array(fc.integer({ min: 0, max: 1 << 23 }), { minLength: 1, maxLength: 200 })
    const parts = fc.constantFrom(0.5, 0.95, 0.99, 0.999, 1)
    fc.assert(
      fc.property(times, parts, (list, part) => {
        const sorted = [...list].sort((left, right) => left - right)
        const exact = sorted[Math.ceil(part * sorted.length) - 1] ?? 0
        const found = summaryOf(list).percentile(part)
        expect(found).toBeLessThanOrEqual(exact)
        expect(found).toBeGreaterThanOrEqual(Math.floor(exact * 2 ** (-1 / 16)) - 1)
      }),
    )
  })
})

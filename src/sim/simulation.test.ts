import { describe, expect, it } from 'vitest'

import { describeDrawn } from './draws.ts'
import { drawOptions } from './sim-options.ts'
import { describeResult } from './run.ts'
import { simulate } from './simulation.ts'

const STEPS = 1_000

describe('a simulated service', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i + 1))('keeps its promises: seed %i', (seed) => {
    const result = simulate(seed, STEPS)
    const how = () => `${describeDrawn(drawOptions(seed, STEPS))}\n${result.message}`
    expect(result.verdict, how()).toBe('ok')
    expect(result.counts.answers).toBeGreaterThan(0)
  })
})

describe('a run', () => {
  it.each([3, 11, 19])('is the same whenever it is replayed: seed %i', (seed) => {
    const first = describeResult(simulate(seed, STEPS))
    expect(describeResult(simulate(seed, STEPS))).toBe(first)
  })

  it('depends on its seed', () => {
    const hashes = [1, 2, 3, 4].map((seed) => simulate(seed, 300).traceHash)
    expect(new Set(hashes).size).toBe(4)
  })

  it('can be followed line by line without changing it', () => {
    const lines: string[] = []
    const trace = (_timeUs: number, text: string): void => void lines.push(text)
    const followed = simulate(5, 300, { trace })
    expect(followed.traceHash).toBe(simulate(5, 300).traceHash)
    expect(lines.some((line) => line.startsWith('server up'))).toBe(true)
    expect(lines).toContain('--- heal')
  })
})

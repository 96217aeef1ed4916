import { describe, expect, it } from 'vitest'

import { describeDrawn } from '../draws.ts'
import { drawEnsemble } from './ensemble-options.ts'
import { describeResult } from '../run.ts'
import { simulateEnsemble } from './ensemble-simulation.ts'

const STEPS = 4_000

describe('a simulated ensemble', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i + 1))('keeps its promises: seed %i', (seed) => {
    const result = simulateEnsemble(seed, STEPS)
    const how = () => `${describeDrawn(drawEnsemble(seed, STEPS))}\n${result.message}`
    expect(result.verdict, how()).toBe('ok')
    expect(result.counts['epochs']).toBeGreaterThan(0)
  })
})

describe('a run of an ensemble', () => {
  it.each([2, 9])('is the same whenever it is replayed: seed %i', (seed) => {
    const first = describeResult(simulateEnsemble(seed, STEPS))
    expect(describeResult(simulateEnsemble(seed, STEPS))).toBe(first)
  })

  it('can be followed line by line without changing it', () => {
    const lines: string[] = []
    const trace = (_timeUs: number, text: string): void => void lines.push(text)
    const followed = simulateEnsemble(5, 1_000, { trace })
    expect(followed.traceHash).toBe(simulateEnsemble(5, 1_000).traceHash)
    expect(lines.some((line) => /server-1 serves in epoch \d+/.test(line))).toBe(true)
    expect(lines).toContain('--- heal')
  })
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SafetyHorizon } from './safety-horizon.ts'

const TIMEOUT_MS = 6_000

// Requests and answers take any time and may be lost. The server counts the session's time from
// the latest request that reached it, and must never have let it run out while the client is safe.
const request = fc.record({
  afterMs: fc.nat(3_000),
  onTheWayMs: fc.nat(4_000),
  backMs: fc.nat(4_000),
  isLost: fc.boolean(),
  answerIsLost: fc.boolean(),
})

it('is never safe when a server may have expired the session', () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 20 }), (requests) => {
      const horizon = new SafetyHorizon(2_000)
      const wallMs = 1_700_000_000_000
      horizon.observe(0, wallMs)
      horizon.established(0, TIMEOUT_MS)
      const touches = [0]
      const answers: { readonly atMs: number; readonly sentAtMs: number }[] = []
      let sentAtMs = 0
      for (const one of requests) {
        sentAtMs += one.afterMs
        if (one.isLost) continue
        const reachedAtMs = sentAtMs + one.onTheWayMs
        touches.push(reachedAtMs)
        if (!one.answerIsLost) answers.push({ atMs: reachedAtMs + one.backMs, sentAtMs })
      }
      answers.sort((a, b) => a.atMs - b.atMs)
      for (let nowMs = 0; nowMs <= sentAtMs + 20_000; nowMs += 250) {
        while (answers[0] !== undefined && answers[0].atMs <= nowMs) {
          horizon.confirmed(answers[0].sentAtMs)
          answers.shift()
        }
        if (!horizon.isSafe(nowMs, wallMs + nowMs)) continue
        const known = touches.filter((atMs) => atMs <= nowMs)
        expect(nowMs).toBeLessThan(Math.max(...known) + TIMEOUT_MS)
      }
    }),
  )
})

it('takes off half a tick and a quarter of a second, a tenth of a long timeout, a third at most', () => {
  const marginOf = (timeoutMs: number): number => {
    const horizon = new SafetyHorizon(2_000)
    horizon.established(0, timeoutMs)
    return horizon.marginMs
  }
  expect([3_000, 6_000, 30_000].map(marginOf)).toEqual([1_000, 1_250, 3_000])
})

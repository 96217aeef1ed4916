// What preparation foresees is what application does, for any history and however much is in
// flight; and a log leads whoever replays it to the same place.

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { histories, type HistoryStep } from '../../../test/support/histories.ts'
import { contentOf, HistoryRun } from '../../../test/support/history-run.ts'
import { ColumnTree } from '../tree/column-tree.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { DEFAULT_PIPELINE_SETTINGS, type PipelineSettings } from './settings.ts'

const settings: PipelineSettings = { ...DEFAULT_PIPELINE_SETTINGS, extendedTypes: true }
const RUNS = 25
const makers: readonly (() => DataTree)[] = [
  () => new NaiveTree(settings),
  () => new ColumnTree(settings),
]

function runOf(
  steps: readonly HistoryStep[],
  makeTree: () => DataTree,
  using: PipelineSettings = settings,
): HistoryRun {
  const run = new HistoryRun(new Database(makeTree(), using), using)
  for (const step of steps) run.perform(step)
  run.apply(Infinity)
  return run
}

function replay(run: HistoryRun, into: Database, from: number, to: number): void {
  for (const { bytes } of run.log.slice(from, to)) into.apply(bytes, 0, bytes.length, null)
}

describe.each([
  ['naive', makers[0]!],
  ['column', makers[1]!],
] as const)('on the %s tree', (_name, makeTree) => {
  it('the digest foreseen is the digest reached, and nothing stays pending', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const run = runOf(steps, makeTree)
        expect(run.database.digestMismatches).toBe(0)
        expect(run.preparer.pending.size).toBe(0)
        run.database.tree.verify()
      }),
      { numRuns: RUNS },
    )
  })

  it('the pending digest is that of the tree once all is applied', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const run = new HistoryRun(new Database(makeTree(), settings), settings)
        for (const step of steps) run.perform(step)
        const { digestHigh, digestLow } = run.preparer.pending
        run.apply(Infinity)
        const { tree } = run.database
        expect([digestHigh, digestLow]).toEqual([tree.digestHigh, tree.digestLow])
      }),
      { numRuns: RUNS },
    )
  })

  it('how much was in flight does not matter where nothing depends on committed usage', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const asked = steps.filter((step) => step.kind !== 'apply')
        const oneByOne = asked.flatMap((step) => [step, { kind: 'apply', count: 1 } as const])
        const left = runOf(oneByOne, makeTree)
        const right = runOf(asked, makeTree)
        expect(contentOf(right.database)).toEqual(contentOf(left.database))
        // Only the order in which a session's ephemerals are listed may differ.
        expect(right.log.map(({ bytes }) => bytes.length)).toEqual(
          left.log.map(({ bytes }) => bytes.length),
        )
      }),
      { numRuns: RUNS },
    )
  })
})

describe('a log', () => {
  it('leads a second database to the same place, whatever its tree', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const run = runOf(steps, makers[0]!)
        const content = contentOf(run.database)
        for (const makeTree of makers) {
          const second = new Database(makeTree(), settings)
          replay(run, second, 0, Infinity)
          expect(contentOf(second)).toEqual(content)
          expect(second.digestMismatches).toBe(0)
          second.tree.verify()
        }
      }),
      { numRuns: RUNS },
    )
  })

  it('leads there also from a state that holds some of it already', () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.nat(), (steps, first, second) => {
        const run = runOf(steps, makers[0]!)
        const reached = first % (run.log.length + 1)
        const from = second % (reached + 1)
        for (const makeTree of makers) {
          const fuzzy = new Database(makeTree(), settings, false)
          replay(run, fuzzy, 0, reached)
          replay(run, fuzzy, from, Infinity)
          expect(withoutUsage(contentOf(fuzzy))).toEqual(withoutUsage(contentOf(run.database)))
          fuzzy.tree.verify()
        }
      }),
      { numRuns: 5 * RUNS },
    )
  })

  it('is the same without digests but for the digests', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const without = { ...settings, transactionDigests: false, closeSessionPaths: false }
        const plain = runOf(steps, makers[1]!, without)
        const usual = runOf(steps, makers[1]!)
        expect(contentOf(plain.database)).toEqual(contentOf(usual.database))
      }),
      { numRuns: RUNS },
    )
  })
})

/** Usage of quotas is each server's own count, not part of what a log says. */
function withoutUsage(content: unknown): unknown {
  const { nodes, ...rest } = content as { nodes: { path: string }[] }
  return {
    ...rest,
    nodes: nodes.map((node) =>
      node.path.endsWith('zookeeper_stats') ? { path: node.path } : node,
    ),
  }
}

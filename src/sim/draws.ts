// How parameters of a run are drawn from its seed, and those that every kind of run has: the disk,
// the network of the clients, the settings of the service.

import type { Prng } from '../base/prng.ts'
import { DEFAULT_PIPELINE_SETTINGS, type PipelineSettings } from '../core/pipeline/settings.ts'
import type { DiskConditions } from './fake-disk.ts'
import type { NetworkConditions } from './fake-network.ts'

export class Draws {
  readonly root: Prng
  readonly isFaulty: boolean

  /** `faulty` is how often devices and the network fail at all. */
  constructor(root: Prng, faulty: number) {
    this.root = root
    this.isFaulty = root.fork('faulty').chance(faulty)
  }

  /** A stream for each option: one that is added tomorrow changes no other of an old seed. */
  pick<const T>(name: string, choices: readonly T[]): T {
    return this.root.fork(name).pick(choices)
  }

  /** How often something fails: never, now and then, or ten times as often. */
  fault(name: string, usual: number): number {
    return this.isFaulty ? this.pick(name, [0, 0, usual, usual * 10]) : 0
  }
}

/** `slow` and `failing` are how often a request takes very long, or fails, where they do at all. */
export const drawDisk = (draws: Draws, slow: number, failing: number): DiskConditions => ({
  writeUs: draws.pick('writeUs', [
    [10, 100],
    [20, 2_000],
  ]),
  syncUs: draws.pick('syncUs', [
    [50, 200],
    [100, 5_000],
    [5_000, 60_000],
  ]),
  slow: draws.pick('slow', [0, 0, 0.001, slow]),
  writeError: draws.fault('writeError', failing),
  syncError: draws.fault('syncError', failing),
  capacityBytes: 2 ** 40,
  tearing: draws.pick('tearing', ['none', 'prefix', 'sectors', 'sectors']),
  failedSyncKeepsCache: draws.pick('failedSyncKeepsCache', [true, false]),
})

/** `names` are those of the streams; bytes are under way for at most `delayUsMax`. */
export const drawNetwork = (
  draws: Draws,
  names: { readonly delay: string; readonly chunking: string },
  delayUsMax: number,
): NetworkConditions => ({
  delayUs: draws.pick(names.delay, [
    [20, 100],
    [100, 5_000],
    [1_000, delayUsMax],
  ]),
  chunking: draws.pick(names.chunking, ['as-sent', 'random', 'small']),
  refuse: draws.fault('refuse', 0.02),
  hang: draws.fault('hang', 0.02),
  keepArrays: draws.pick('keepArrays', [0, 0.5, 1]),
})

export function drawSettings(draws: Draws): PipelineSettings {
  const { root } = draws
  const tickMs = draws.pick('tick', [100, 500, 2_000])
  return {
    ...DEFAULT_PIPELINE_SETTINGS,
    tickMs,
    minSessionTimeoutMs: 2 * tickMs,
    maxSessionTimeoutMs: 20 * tickMs,
    extendedTypes: root.fork('extendedTypes').chance(0.6),
    transactionDigests: root.fork('digests').chance(0.8),
    containerCheckIntervalMs: draws.pick('containers', [300, 5_000, 60_000]),
  }
}

/** Parameters as short lines, for the head of a run's output; what is off is left out of groups. */
export function describeDrawn(options: object): string {
  const flat = (value: unknown): string =>
    typeof value !== 'object' || value === null
      ? String(value)
      : Array.isArray(value)
        ? value.map(flat).join(' | ')
        : Object.entries(value)
            .filter(([, field]) => field !== 0 && field !== false)
            .map(([name, field]) => `${name} ${flat(field)}`)
            .join(', ')
  return Object.entries(options)
    .map(([name, value]) => `${name}: ${flat(value)}`)
    .join('\n')
}

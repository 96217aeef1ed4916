// The parameters of one run, all drawn from its seed: some faults are off, others extreme, so that
// a thousand runs are a thousand different kinds of bad day.

import { Prng } from '../base/prng.ts'
import { DEFAULT_PIPELINE_SETTINGS, type PipelineSettings } from '../core/pipeline/settings.ts'
import type { SnapshotCompression } from '../core/storage/storage-options.ts'
import type { DiskConditions } from './fake-disk.ts'
import type { NetworkConditions } from './fake-network.ts'

export interface SimOptions {
  readonly seed: number
  /** Events of the safety phase. */
  readonly steps: number
  readonly clients: number
  /** Connections that send nonsense bytes, at a time. */
  readonly strangers: number
  readonly tree: 'naive' | 'column'
  readonly settings: PipelineSettings
  readonly snapCount: number
  readonly preallocateBytes: number
  readonly logSizeLimitBytes: number | null
  readonly snapshotCompression: SnapshotCompression
  readonly separateLogDirectory: boolean
  /** How many snapshots a purge keeps; 0 for no purges. */
  readonly purgeRetain: number
  readonly disk: DiskConditions
  readonly network: NetworkConditions
  /** Events between two crashes on average; 0 for none. */
  readonly crashEvery: number
  /** How often a crash takes the whole machine. */
  readonly powerLoss: number
  /** Milliseconds that a server stays down, at most. */
  readonly downMs: number
  /** How often a start is itself cut short. */
  readonly crashAtStart: number
  /** How often a start is tried on a damaged copy of the disk. */
  readonly decay: number
  /** How often the server is stopped properly instead of crashing. */
  readonly cleanStop: number
  /** Events between two faults of connections on average; 0 for none. */
  readonly linkFaultEvery: number
  /** Events between two jumps of a wall clock on average; 0 for none. */
  readonly wallJumpEvery: number
}

export function drawOptions(seed: number, steps: number): SimOptions {
  const random = new Prng(seed).fork('options')
  const tickMs = random.pick([100, 500, 2_000])
  const isFaulty = random.chance(0.7)
  const chance = (low: number): number => (isFaulty ? random.pick([0, 0, low, low * 10]) : 0)
  const disk: DiskConditions = {
    writeUs: random.pick([
      [10, 100],
      [20, 2_000],
    ] as const),
    syncUs: random.pick([
      [50, 200],
      [100, 5_000],
      [5_000, 60_000],
    ] as const),
    slow: random.pick([0, 0, 0.001, 0.02]),
    writeError: chance(0.0005),
    syncError: chance(0.0005),
    capacityBytes: isFaulty && random.chance(0.15) ? random.between(30_000, 3_000_000) : 2 ** 40,
    tearing: random.pick(['none', 'prefix', 'sectors', 'sectors']),
    failedSyncKeepsCache: random.chance(0.5),
  }
  const network: NetworkConditions = {
    delayUs: random.pick([
      [20, 100],
      [100, 5_000],
      [1_000, 300_000],
    ] as const),
    chunking: random.pick(['as-sent', 'random', 'small']),
    refuse: chance(0.02),
    hang: chance(0.02),
    keepArrays: random.pick([0, 0.5, 1]),
  }
  return {
    seed,
    steps,
    clients: random.pick([1, 2, 4, 8]),
    strangers: random.pick([0, 0, 1, 3]),
    tree: random.chance(0.5) ? 'naive' : 'column',
    settings: drawSettings(random, tickMs),
    snapCount: random.pick([2, 10, 50, 300, 100_000]),
    preallocateBytes: random.pick([0, 4_096, 32_768, 65_536]),
    logSizeLimitBytes: random.pick([null, null, 2_000, 20_000]),
    snapshotCompression: random.pick(['', '', 'gz', 'snappy'] as const),
    separateLogDirectory: random.chance(0.3),
    purgeRetain: random.pick([0, 0, 1, 3]),
    disk,
    network,
    crashEvery: random.pick([0, 300, 1_500, 6_000]),
    powerLoss: random.pick([0, 0.5, 1]),
    downMs: random.pick([10, 2_000, 30_000]),
    crashAtStart: random.pick([0, 0.2, 0.6]),
    decay: random.pick([0, 0.5, 1]),
    cleanStop: random.pick([0, 0, 0.3]),
    linkFaultEvery: random.pick([0, 100, 1_000, 5_000]),
    wallJumpEvery: random.pick([0, 0, 2_000]),
  }
}

function drawSettings(random: Prng, tickMs: number): PipelineSettings {
  return {
    ...DEFAULT_PIPELINE_SETTINGS,
    tickMs,
    minSessionTimeoutMs: 2 * tickMs,
    maxSessionTimeoutMs: 20 * tickMs,
    extendedTypes: random.chance(0.6),
    transactionDigests: random.chance(0.8),
    containerCheckIntervalMs: random.pick([300, 5_000, 60_000]),
  }
}

/** All parameters as short lines, for the head of a run's output. */
export function describeOptions(options: SimOptions): string {
  const lines: string[] = []
  for (const [name, value] of Object.entries(options)) {
    if (name === 'settings') {
      const { tickMs, extendedTypes, transactionDigests, containerCheckIntervalMs } =
        options.settings
      lines.push(
        `settings tick ${tickMs} ms, extended types ${extendedTypes}, ` +
          `digests ${transactionDigests}, containers every ${containerCheckIntervalMs} ms`,
      )
    } else if (typeof value === 'object' && value !== null) {
      const fields = Object.entries(value).map(([field, one]) => `${field} ${String(one)}`)
      lines.push(`${name} ${fields.join(', ')}`)
    } else {
      lines.push(`${name} ${String(value)}`)
    }
  }
  return lines.join('\n')
}

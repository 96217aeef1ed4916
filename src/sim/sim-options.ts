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
  readonly frameBytesMax: number
  readonly snapCount: number
  readonly preallocateBytes: number
  readonly logSizeLimitBytes: number | null
  readonly snapshotCompression: SnapshotCompression
  readonly snapshotSliceBytes: number
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
  const root = new Prng(seed).fork('options')
  // A stream for each option: one that is added tomorrow changes no other of an old seed.
  const pick = <const T>(name: string, choices: readonly T[]): T => root.fork(name).pick(choices)
  const isFaulty = root.fork('faulty').chance(0.7)
  const fault = (name: string, usual: number): number =>
    isFaulty ? pick(name, [0, 0, usual, usual * 10]) : 0
  const capacity = root.fork('capacity')
  const isSmall = isFaulty && capacity.chance(0.15)
  const disk: DiskConditions = {
    writeUs: pick('writeUs', [
      [10, 100],
      [20, 2_000],
    ]),
    syncUs: pick('syncUs', [
      [50, 200],
      [100, 5_000],
      [5_000, 60_000],
    ]),
    slow: pick('slow', [0, 0, 0.001, 0.02]),
    writeError: fault('writeError', 0.0005),
    syncError: fault('syncError', 0.0005),
    capacityBytes: isSmall ? capacity.between(30_000, 3_000_000) : 2 ** 40,
    tearing: pick('tearing', ['none', 'prefix', 'sectors', 'sectors']),
    failedSyncKeepsCache: pick('failedSyncKeepsCache', [true, false]),
  }
  const network: NetworkConditions = {
    delayUs: pick('delayUs', [
      [20, 100],
      [100, 5_000],
      [1_000, 300_000],
    ]),
    chunking: pick('chunking', ['as-sent', 'random', 'small']),
    refuse: fault('refuse', 0.02),
    hang: fault('hang', 0.02),
    keepArrays: pick('keepArrays', [0, 0.5, 1]),
  }
  return {
    seed,
    steps,
    clients: pick('clients', [1, 2, 4, 8]),
    strangers: pick('strangers', [0, 0, 1, 3]),
    tree: pick('tree', ['naive', 'column', 'column']),
    settings: drawSettings(root),
    frameBytesMax: pick('frameBytesMax', [20_000, 200_000]),
    snapCount: pick('snapCount', [2, 10, 50, 300, 100_000]),
    preallocateBytes: pick('preallocateBytes', [0, 4_096, 32_768, 65_536]),
    logSizeLimitBytes: pick('logSizeLimitBytes', [null, null, 2_000, 20_000]),
    snapshotCompression: pick('snapshotCompression', ['', '', 'gz', 'snappy']),
    snapshotSliceBytes: pick('snapshotSliceBytes', [60, 500, 5_000, 262_144]),
    separateLogDirectory: pick('separateLogDirectory', [true, false, false]),
    purgeRetain: pick('purgeRetain', [0, 0, 1, 3]),
    disk,
    network,
    crashEvery: pick('crashEvery', [0, 100, 300, 1_500, 6_000]),
    powerLoss: pick('powerLoss', [0, 0.5, 1]),
    downMs: pick('downMs', [10, 2_000, 30_000]),
    crashAtStart: pick('crashAtStart', [0, 0.2, 0.6]),
    decay: pick('decay', [0, 0.5, 1]),
    cleanStop: pick('cleanStop', [0, 0, 0.3]),
    linkFaultEvery: pick('linkFaultEvery', [0, 100, 1_000, 5_000]),
    wallJumpEvery: pick('wallJumpEvery', [0, 0, 2_000]),
  }
}

function drawSettings(root: Prng): PipelineSettings {
  const tickMs = root.fork('tick').pick([100, 500, 2_000])
  return {
    ...DEFAULT_PIPELINE_SETTINGS,
    tickMs,
    minSessionTimeoutMs: 2 * tickMs,
    maxSessionTimeoutMs: 20 * tickMs,
    extendedTypes: root.fork('extendedTypes').chance(0.6),
    transactionDigests: root.fork('digests').chance(0.8),
    containerCheckIntervalMs: root.fork('containers').pick([300, 5_000, 60_000]),
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

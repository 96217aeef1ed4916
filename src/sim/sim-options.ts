// The parameters of one run, all drawn from its seed: some faults are off, others extreme, so that
// a thousand runs are a thousand different kinds of bad day.

import { Prng } from '../base/prng.ts'
import type { PipelineSettings } from '../core/pipeline/settings.ts'
import type { SnapshotCompression } from '../core/storage/storage-options.ts'
import { Draws, drawDisk, drawNetwork, drawSettings } from './draws.ts'
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
  const draws = new Draws(new Prng(seed).fork('options'), 0.7)
  const pick = <const T>(name: string, choices: readonly T[]): T => draws.pick(name, choices)
  const capacity = draws.root.fork('capacity')
  const isSmall = draws.isFaulty && capacity.chance(0.15)
  const disk: DiskConditions = {
    ...drawDisk(draws, 0.02, 0.0005),
    capacityBytes: isSmall ? capacity.between(30_000, 3_000_000) : 2 ** 40,
  }
  return {
    seed,
    steps,
    clients: pick('clients', [1, 2, 4, 8]),
    strangers: pick('strangers', [0, 0, 1, 3]),
    tree: pick('tree', ['naive', 'column', 'column']),
    settings: drawSettings(draws),
    frameBytesMax: pick('frameBytesMax', [20_000, 200_000]),
    snapCount: pick('snapCount', [2, 10, 50, 300, 100_000]),
    preallocateBytes: pick('preallocateBytes', [0, 4_096, 32_768, 65_536]),
    logSizeLimitBytes: pick('logSizeLimitBytes', [null, null, 2_000, 20_000]),
    snapshotCompression: pick('snapshotCompression', ['', '', 'gz', 'snappy']),
    snapshotSliceBytes: pick('snapshotSliceBytes', [60, 500, 5_000, 262_144]),
    separateLogDirectory: pick('separateLogDirectory', [true, false, false]),
    purgeRetain: pick('purgeRetain', [0, 0, 1, 3]),
    disk,
    network: drawNetwork(draws, { delay: 'delayUs', chunking: 'chunking' }, 300_000),
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

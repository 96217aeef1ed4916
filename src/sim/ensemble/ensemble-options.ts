// The parameters of one run of an ensemble, all drawn from its seed: who belongs to it, how each
// server is set up, what goes wrong and how often. Some faults are off, others extreme.

import { Prng } from '../../base/prng.ts'
import { encodeUtf8 } from '../../base/text.ts'
import type { PipelineSettings } from '../../core/pipeline/settings.ts'
import { NO_FAULTS, type ZabFaults } from '../../core/zab/zab-faults.ts'
import type { SnapshotCompression } from '../../core/storage/storage-options.ts'
import { Draws, drawDisk, drawNetwork, drawSettings } from '../draws.ts'
import { fakeHasher } from '../fake-crypto.ts'
import type { DiskConditions } from '../fake-disk.ts'
import type { NetworkConditions } from '../fake-network.ts'
import { provenIdentity } from '../model/model-identity.ts'
import type { PeerConditions } from './fake-peer-network.ts'
import { OPERATOR_SECRET } from './operator.ts'

/** What can happen to an ensemble; `fault-machine.ts` brings it about. */
export const FAULT_KINDS = [
  'crash',
  'crash leader',
  'crash several',
  'crash all',
  'rolling restart',
  'stop cleanly',
  'isolate leader',
  'isolate one',
  'split',
  'ring',
  'one way',
  'one way from leader',
  'pause',
  'pause leader',
  'reset link',
  'reset links of one',
  'client link',
  'wall clock',
  'slow disk',
  'full disk',
  'disk errors',
  'wipe',
  'rot',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

const SPARES_MAX = 2

/** How one server is set up; they need not be alike. */
export interface MachineOptions {
  readonly tree: 'naive' | 'column'
  readonly snapCount: number
  readonly preallocateBytes: number
  readonly logSizeLimitBytes: number | null
  readonly snapshotCompression: SnapshotCompression
  readonly snapshotSliceBytes: number
  readonly separateLogDirectory: boolean
  readonly purgeRetain: number
  /** How many committed transactions a leader keeps in memory for its learners. */
  readonly commitLogCount: number
  /** Whether, and up to which size compared with a snapshot, the log on disk is sent instead. */
  readonly snapshotSizeFactor: number
}

export interface EnsembleOptions {
  readonly seed: number
  /** Events of the safety phase. */
  readonly steps: number
  readonly voters: number
  readonly observers: number
  /** Where members change: servers that belong to nobody at first, and may be taken in. */
  readonly spares: number
  /** Voters in groups, by the index of the server; null for a plain majority. */
  readonly groups: readonly (readonly number[])[] | null
  /** Weights of servers 1 and up, where there are groups. */
  readonly weights: readonly number[]
  readonly machines: readonly MachineOptions[]
  readonly clients: number
  readonly settings: PipelineSettings
  readonly initLimit: number
  readonly syncLimit: number
  /** The longest time between two rounds of votes. */
  readonly notificationMaxMs: number
  readonly frameBytesMax: number
  readonly disk: DiskConditions
  readonly network: NetworkConditions
  readonly peers: PeerConditions
  /** Milliseconds between two faults on average; 0 for none. */
  readonly faultEveryMs: number
  /** How many faults may be at work at the same time. */
  readonly faultsAtOnce: number
  readonly weightsOfFaults: Readonly<Record<FaultKind, number>>
  /** How often a crash takes the whole machine. */
  readonly powerLoss: number
  /** Milliseconds that a server stays down, or a fault at work, at most. */
  readonly downMs: number
  readonly faultMs: number
  /** How often a start is itself cut short. */
  readonly crashAtStart: number
  /** Members change their roles, leave and come back while the ensemble runs. */
  readonly reconfigures: boolean
  /** Sessions begin as those of one server; `upgrading`: and become everybody's when they must. */
  readonly localSessions: 'none' | 'plain' | 'upgrading'
  /** Servers without a leader serve reads (`readonlymode.enabled`); some clients ask for that. */
  readonly readOnlyMode: boolean
  /** A leader takes clients of its own (`leaderServes`). */
  readonly leaderServes: boolean
  /** After so many an epoch has no zxids left; null for as many as there are in production. */
  readonly zxidsPerEpoch: number | null
  /** Old faults of the protocol, switched back on. */
  readonly zabFaults: ZabFaults
  /** Names of files are left to chance (the missing sync of directories). */
  readonly skipsDirectorySync: boolean
}

/** An ensemble of nothing but the usual: who looks for one fault has enough with that. */
export const PLAIN_ENSEMBLE = {
  localSessions: 'none',
  readOnlyMode: false,
  leaderServes: true,
  zxidsPerEpoch: null,
} as const satisfies Partial<EnsembleOptions>

export function drawEnsemble(seed: number, steps: number): EnsembleOptions {
  const draws = new Draws(new Prng(seed).fork('ensemble'), 0.6)
  const { root } = draws
  const pick = <const T>(name: string, choices: readonly T[]): T => draws.pick(name, choices)
  const voters = pick('voters', [3, 3, 3, 4, 5])
  const observers = pick('observers', [0, 0, 0, 1, 2])
  const reconfigures = pick('reconfigures', [false, false, false, true])
  const spares = pick('spares', [0, 0, 1, SPARES_MAX])
  const groups = pick('grouped', [false, false, false, true])
  const settings = { ...drawSettings(draws), superDigest: SUPER_DIGEST }
  const { tickMs } = settings
  const peers: PeerConditions = {
    delayUs: pick('peerDelayUs', [
      [20, 100],
      [100, 5_000],
      [100, 5_000],
      [1_000, tickMs * 300],
    ]),
    chunking: pick('peerChunking', ['as-sent', 'as-sent', 'random', 'small']),
    refuse: draws.fault('peerRefuse', 0.02),
    hang: draws.fault('peerHang', 0.01),
    listenFail: draws.fault('listenFail', 0.02),
    keepArrays: pick('peerKeepArrays', [0, 0.5, 1]),
    resetAtHeal: pick('resetAtHeal', [0, 0.5, 1]),
  }
  const count = voters + observers + SPARES_MAX
  return {
    seed,
    steps,
    voters,
    observers,
    spares,
    groups: groups ? drawGroups(root.fork('groups'), voters) : null,
    // The first one weighs something, so that there is a quorum at all.
    weights: Array.from({ length: voters }, (_, i) =>
      pick(`weight ${i}`, i === 0 ? [1, 2] : [1, 1, 1, 2, 0]),
    ),
    machines: Array.from({ length: count }, (_, i) => drawMachine(root.fork(`machine ${i + 1}`))),
    clients: pick('clients', [1, 2, 4, 6]),
    settings,
    initLimit: pick('initLimit', [5, 10]),
    syncLimit: pick('syncLimit', [2, 5]),
    notificationMaxMs: pick('notificationMax', [1_000, 60_000]),
    frameBytesMax: 200_000,
    disk: drawDisk(draws, 0.01, 0.0003),
    network: drawNetwork(draws, { delay: 'clientDelayUs', chunking: 'clientChunking' }, 100_000),
    peers,
    faultEveryMs: pick('faultEvery', [0, 2, 4, 10, 30]) * Math.min(tickMs, 500),
    faultsAtOnce: pick('faultsAtOnce', [1, 2, 2, 4]),
    weightsOfFaults: drawWeights(root.fork('faults')),
    powerLoss: pick('powerLoss', [0, 0.5, 1]),
    downMs: pick('downMs', [1, 10, 40]) * tickMs,
    faultMs: pick('faultMs', [1, 5, 20]) * tickMs,
    crashAtStart: pick('crashAtStart', [0, 0, 0.2]),
    reconfigures,
    localSessions: pick('localSessions', [
      'none',
      'none',
      'none',
      'plain',
      'upgrading',
      'upgrading',
    ]),
    readOnlyMode: pick('readOnlyMode', [false, false, true]),
    leaderServes: pick('leaderServes', [true, true, true, false]),
    zxidsPerEpoch: pick('zxidsPerEpoch', [null, null, null, null, 15, 80]),
    zabFaults: NO_FAULTS,
    skipsDirectorySync: false,
  }
}

function drawMachine(random: Prng): MachineOptions {
  const pick = <const T>(name: string, choices: readonly T[]): T => random.fork(name).pick(choices)
  return {
    tree: pick('tree', ['naive', 'column', 'column']),
    snapCount: pick('snapCount', [3, 10, 50, 300, 100_000]),
    preallocateBytes: pick('preallocateBytes', [0, 4_096, 32_768]),
    logSizeLimitBytes: pick('logSizeLimitBytes', [null, null, 20_000]),
    snapshotCompression: pick('snapshotCompression', ['', '', 'gz', 'snappy']),
    snapshotSliceBytes: pick('snapshotSliceBytes', [60, 500, 5_000, 262_144]),
    separateLogDirectory: pick('separateLogDirectory', [true, false, false]),
    purgeRetain: pick('purgeRetain', [0, 0, 3]),
    commitLogCount: pick('commitLogCount', [2, 10, 500]),
    snapshotSizeFactor: pick('snapshotSizeFactor', [-1, 0.33, 0.33, 1]),
  }
}

/** The operator's. */
export const SUPER_DIGEST: string | null =
  provenIdentity('digest', encodeUtf8(OPERATOR_SECRET), '', fakeHasher)?.id ?? null

/** Some kinds not at all, others a lot: what a mixture of everything never reaches. */
function drawWeights(random: Prng): Record<FaultKind, number> {
  const isSwarming = random.fork('swarming').chance(0.75)
  const entries = FAULT_KINDS.map((kind): [FaultKind, number] => {
    const weight = isSwarming ? random.fork(kind).pick([0, 0, 0, 1, 1, 5]) : 1
    return [kind, weight]
  })
  if (entries.every(([, weight]) => weight === 0)) entries[0]![1] = 1
  return Object.fromEntries(entries) as Record<FaultKind, number>
}

/** Three groups, or as many as there are voters, every voter in one of them. */
function drawGroups(random: Prng, voters: number): number[][] {
  const groups: number[][] = [[], [], []]
  for (let id = 1; id <= voters; id++) {
    groups[id <= 3 ? id - 1 : random.below(3)]!.push(id)
  }
  return groups
}

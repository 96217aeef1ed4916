// The proof that the simulator finds what it is there for: faults that ZooKeeper has had, switched
// back on one at a time, each with what makes a run likely to meet it. A test and the command line
// run through them and count the seeds until one fails.

import { DEFAULT_PIPELINE_SETTINGS } from '../../core/pipeline/settings.ts'
import { NO_FAULTS, type ZabFaults } from '../../core/zab/zab-faults.ts'
import {
  type EnsembleOptions,
  FAULT_KINDS,
  type FaultKind,
  PLAIN_ENSEMBLE,
  SUPER_DIGEST,
  drawEnsemble,
} from './ensemble-options.ts'
import { CALM_DISK } from '../fake-disk.ts'
import { CALM_PEERS } from './fake-peer-network.ts'
import type { RunResult } from '../run.ts'
import { simulateEnsemble } from './ensemble-simulation.ts'

export interface Mutation {
  readonly name: keyof ZabFaults | 'skipsDirectorySync'
  /** ZOOKEEPER-, or what else is known of it. */
  readonly issues: string
  /** What it does, in a line. */
  readonly text: string
  /** The checkers that may notice it, as their messages begin. */
  readonly foundBy: RegExp
  /** What must happen in a run for it to show. */
  readonly options?: Partial<EnsembleOptions>
  /** It takes more runs than are done in a moment. */
  readonly isRare?: true
}

export const isRare = (mutation: Mutation): boolean => mutation.isRare === true

/** Servers do not have the same history any more, or cannot agree on one. */
const DIVERGED =
  /^(CommitInOrder|CommitQuorum|Integrity|NoLostCommit|PrefixConsistency|ReplicaDigest|ZxidContiguous|transaction|tree|wire|start|InvariantError|not within)/

const weigh = (weights: Partial<Record<FaultKind, number>>): Record<FaultKind, number> =>
  Object.fromEntries(FAULT_KINDS.map((kind) => [kind, weights[kind] ?? 0])) as Record<
    FaultKind,
    number
  >

/** Servers lose their power all the time, and come back at once. */
const CRASHING: Partial<EnsembleOptions> = {
  faultEveryMs: 400,
  faultsAtOnce: 4,
  powerLoss: 1,
  downMs: 1_000,
  weightsOfFaults: weigh({ crash: 4, 'crash leader': 4, 'crash several': 2, 'crash all': 1 }),
}

/** Leaders are cut off with transactions of their own, and come back. */
const DEPOSING: Partial<EnsembleOptions> = {
  faultEveryMs: 600,
  faultsAtOnce: 2,
  weightsOfFaults: weigh({
    'isolate leader': 4,
    'one way from leader': 3,
    'pause leader': 2,
    'crash leader': 3,
    'reset links of one': 3,
    crash: 1,
  }),
}

/** Learners lose their leader under load, and join again at once. */
const JOINING: Partial<EnsembleOptions> = {
  faultEveryMs: 250,
  faultsAtOnce: 3,
  clients: 6,
  weightsOfFaults: weigh({ 'reset links of one': 6, 'reset link': 2, crash: 1 }),
  peers: { ...CALM_PEERS, delayUs: [500, 20_000] },
  disk: { ...CALM_DISK, syncUs: [2_000, 30_000] },
}

const QUICK: EnsembleOptions['settings'] = {
  ...DEFAULT_PIPELINE_SETTINGS,
  tickMs: 100,
  minSessionTimeoutMs: 200,
  maxSessionTimeoutMs: 600,
  containerCheckIntervalMs: 5_000,
}

/** A leader that is alone with proposals of its own comes back when another one has gone on. */
const RETURNING: Partial<EnsembleOptions> = {
  settings: { ...QUICK, maxSessionTimeoutMs: 4_000 },
  initLimit: 20,
  syncLimit: 3,
  clients: 6,
  notificationMaxMs: 1_000,
  faultEveryMs: 700,
  faultsAtOnce: 1,
  faultMs: 3_000,
  weightsOfFaults: weigh({ 'isolate leader': 4, 'pause leader': 1, 'one way from leader': 2 }),
  peers: { ...CALM_PEERS, resetAtHeal: 0.5 },
}

/** A write to the log may take as long as an election and all that follows from it. */
const STALLING: Partial<EnsembleOptions> = {
  ...DEPOSING,
  settings: QUICK,
  initLimit: 20,
  syncLimit: 2,
  faultMs: 1_000,
  disk: { ...CALM_DISK, syncUs: [5_000, 20_000], slow: 0.06 },
  peers: CALM_PEERS,
}

/** Learners stand still until the sessions of their clients are over, and then go on. */
const LAGGING: Partial<EnsembleOptions> = {
  settings: QUICK,
  initLimit: 40,
  syncLimit: 40,
  clients: 6,
  faultEveryMs: 400,
  faultsAtOnce: 2,
  faultMs: 1_500,
  disk: { ...CALM_DISK, syncUs: [10_000, 60_000] },
  weightsOfFaults: weigh({ pause: 6, 'one way': 1 }),
}

/** Members come and go all the time, and most servers are slow to follow. */
const RECONFIGURING: Partial<EnsembleOptions> = {
  reconfigures: true,
  spares: 2,
  settings: { ...QUICK, superDigest: SUPER_DIGEST },
  faultEveryMs: 300,
  faultsAtOnce: 3,
  faultMs: 1_000,
  disk: { ...CALM_DISK, syncUs: [1_000, 30_000] },
  weightsOfFaults: weigh({
    'slow disk': 3,
    'isolate one': 2,
    pause: 2,
    crash: 2,
    'crash leader': 1,
  }),
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'acknowledgesEarly',
    issues: '3023, 4646',
    text: 'NEWLEADER is acknowledged before the history is durable',
    foundBy: /^DurableNewLeaderAck/,
  },
  {
    name: 'entersEpochEarly',
    issues: '4643',
    text: 'the epoch is entered before the history is durable',
    foundBy: /^DurableNewLeaderAck/,
    options: CRASHING,
  },
  {
    name: 'acknowledgesUnlogged',
    issues: '4685',
    text: 'proposals of the synchronisation are acknowledged before they are logged',
    foundBy: /^(DurableAck|CommitQuorum)/,
  },
  {
    name: 'expectsNoCommitInSync',
    issues: '4394',
    text: 'a COMMIT between the acknowledgement and UPTODATE is not expected',
    foundBy: /a commit came before UPTODATE/,
  },
  {
    name: 'logsAfterRole',
    issues: '4712',
    text: 'what was under way to the log is written behind what replaced it',
    foundBy: DIVERGED,
    options: STALLING,
  },
  {
    name: 'joinsLate',
    issues: '962',
    text: 'commits between the choice of the history and the broadcast are missed',
    foundBy: DIVERGED,
    options: DEPOSING,
  },
  {
    name: 'neverTruncates',
    issues: '1154, 1156',
    text: 'a learner that is ahead is not cut back',
    foundBy: DIVERGED,
    options: DEPOSING,
  },
  {
    name: 'forgetsLogTail',
    issues: '2845',
    text: 'the tail of the log is not applied at the end of a role',
    // Whoever has forgotten it is elected for what it has logged, and refused for what it says.
    foundBy: new RegExp(`${DIVERGED.source}|^not within`),
    options: DEPOSING,
  },
  {
    name: 'trustsUnsavedSnapshot',
    issues: '3104',
    text: 'NEWLEADER is acknowledged before the snapshot received is saved',
    foundBy: /^DurableNewLeaderAck/,
    options: CRASHING,
  },
  {
    name: 'dropsUncommitted',
    issues: '3911',
    text: 'proposals that were not committed are dropped at NEWLEADER',
    foundBy: DIVERGED,
    options: DEPOSING,
  },
  {
    name: 'skipsLogInSync',
    issues: '4785',
    text: 'what is proposed between NEWLEADER and UPTODATE is applied, but not logged',
    foundBy: DIVERGED,
    options: JOINING,
  },
  {
    name: 'leavesGapInWindow',
    issues: '4925',
    text: 'the window of committed transactions may have a hole',
    foundBy: DIVERGED,
    options: DEPOSING,
  },
  {
    name: 'ignoresForeignTail',
    issues: '2832',
    text: 'a learner with a tail of another epoch gets the difference as if it had none',
    foundBy: DIVERGED,
    options: RETURNING,
    isRare: true,
  },
  {
    name: 'missesLateEphemerals',
    issues: '4837',
    text: 'ephemerals created while their session is being closed stay',
    foundBy: /^(transaction|InvariantError|tree|digest)/,
    options: LAGGING,
    isRare: true,
  },
  {
    name: 'survivesWriteError',
    issues: '4882',
    text: 'after a failed write the log goes on',
    foundBy: /^(CommitQuorum|DurableAck|DurableNewLeaderAck|ZxidContiguous|NoLostCommit|start)/,
    options: {
      faultEveryMs: 400,
      faultsAtOnce: 3,
      weightsOfFaults: weigh({ 'disk errors': 3, 'full disk': 1, crash: 1, 'crash leader': 1 }),
    },
  },
  {
    name: 'promisesEpochEarly',
    issues: '1653',
    text: 'an epoch is promised before the promise is durable',
    foundBy: /^EpochAckOnce/,
    options: CRASHING,
  },
  {
    name: 'asksOldMembersOnly',
    issues: 'Zab: ConfigOverlap',
    text: 'a reconfiguration is decided by a quorum of the members so far alone',
    foundBy: /^(ConfigOverlap|CommitQuorum|NoLostCommit|Leadership1|PrefixConsistency)/,
    options: RECONFIGURING,
  },
  {
    name: 'trustsUnwrittenMembership',
    issues: 'Zab: DurableAck',
    text: 'a reconfiguration is acknowledged before the file that tells of it is durable',
    foundBy: /^DurableAck/,
    options: RECONFIGURING,
  },
  {
    name: 'skipsDirectorySync',
    issues: 'ALICE (OSDI 2014)',
    text: 'directories are not synced',
    foundBy: /^(EpochAckOnce|EpochMonotone|DurableAck|DurableNewLeaderAck|CommitQuorum)/,
    options: CRASHING,
  },
]

export interface Finding {
  readonly seeds: number
  readonly result: RunResult
}

/** Runs seeds from 1 on until one of them fails; null where none does. */
export function findMutation(mutation: Mutation, seeds: number, steps: number): Finding | null {
  for (let seed = 1; seed <= seeds; seed++) {
    const result = simulateEnsemble(seed, steps, { options: optionsOf(mutation, seed, steps) })
    if (result.verdict !== 'ok') return { seeds: seed, result }
  }
  return null
}

export function optionsOf(
  { name, options }: Mutation,
  seed: number,
  steps: number,
): Partial<EnsembleOptions> {
  const isDirectory = name === 'skipsDirectorySync'
  const drawn = drawEnsemble(seed, steps)
  return {
    ...PLAIN_ENSEMBLE,
    // Runs without any load show nothing.
    clients: Math.max(2, drawn.clients),
    ...options,
    zabFaults: isDirectory ? NO_FAULTS : { ...NO_FAULTS, [name]: true },
    skipsDirectorySync: isDirectory,
  }
}

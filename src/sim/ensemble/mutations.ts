// The proof that the simulator finds what it is there for: faults that ZooKeeper has had, switched
// back on one at a time, each with what makes a run likely to meet it. A test and the command line
// run through them and count the seeds until one fails.

import { NO_FAULTS, type ZabFaults } from '../../core/zab/zab-faults.ts'
import {
  type EnsembleOptions,
  FAULT_KINDS,
  type FaultKind,
  drawEnsemble,
} from './ensemble-options.ts'
import { type EnsembleResult, simulateEnsemble } from './ensemble-simulation.ts'

export interface Mutation {
  readonly name: keyof ZabFaults | 'skipsDirectorySync'
  /** ZOOKEEPER-, or what else is known of it. */
  readonly issues: string
  /** What it does, in a line. */
  readonly text: string
  /** What must happen in a run for it to show. */
  readonly options?: Partial<EnsembleOptions>
}

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

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'acknowledgesEarly',
    issues: '3023, 4646',
    text: 'NEWLEADER is acknowledged before the history is durable',
  },
  {
    name: 'entersEpochEarly',
    issues: '4643',
    text: 'the epoch is entered before the history is durable',
    options: CRASHING,
  },
  {
    name: 'acknowledgesUnlogged',
    issues: '4685',
    text: 'proposals of the synchronisation are acknowledged before they are logged',
  },
  {
    name: 'expectsNoCommitInSync',
    issues: '4394',
    text: 'a COMMIT between the acknowledgement and UPTODATE is not expected',
  },
  {
    name: 'logsAfterRole',
    issues: '4712',
    text: 'what was under way to the log is written behind what replaced it',
    options: DEPOSING,
  },
  {
    name: 'joinsLate',
    issues: '962',
    text: 'commits between the choice of the history and the broadcast are missed',
    options: DEPOSING,
  },
  {
    name: 'neverTruncates',
    issues: '1154, 1156',
    text: 'a learner that is ahead is not cut back',
    options: DEPOSING,
  },
  {
    name: 'forgetsLogTail',
    issues: '2845',
    text: 'the tail of the log is not applied at the end of a role',
    options: DEPOSING,
  },
  {
    name: 'trustsUnsavedSnapshot',
    issues: '3104',
    text: 'NEWLEADER is acknowledged before the snapshot received is saved',
    options: CRASHING,
  },
  {
    name: 'dropsUncommitted',
    issues: '3911',
    text: 'proposals that were not committed are dropped at NEWLEADER',
    options: DEPOSING,
  },
  {
    name: 'skipsLogInSync',
    issues: '4785',
    text: 'what is proposed between NEWLEADER and UPTODATE is applied, but not logged',
    options: DEPOSING,
  },
  {
    name: 'leavesGapInWindow',
    issues: '4925',
    text: 'the window of committed transactions may have a hole',
    options: DEPOSING,
  },
  {
    name: 'ignoresForeignTail',
    issues: '2832',
    text: 'a learner with a tail of another epoch gets the difference as if it had none',
    options: DEPOSING,
  },
  {
    name: 'missesLateEphemerals',
    issues: '4837',
    text: 'ephemerals created while their session is being closed stay',
  },
  {
    name: 'survivesWriteError',
    issues: '4882',
    text: 'after a failed write the log goes on',
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
    options: CRASHING,
  },
  {
    name: 'skipsDirectorySync',
    issues: 'ALICE (OSDI 2014)',
    text: 'directories are not synced',
    options: CRASHING,
  },
]

export interface Finding {
  readonly seeds: number
  readonly result: EnsembleResult
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
    // Runs without any load show nothing.
    clients: Math.max(2, drawn.clients),
    ...options,
    zabFaults: isDirectory ? NO_FAULTS : { ...NO_FAULTS, [name]: true },
    skipsDirectorySync: isDirectory,
  }
}

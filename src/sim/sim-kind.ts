// The two kinds of run, one server and an ensemble, as whoever runs many of them sees them.

import { CALM_DISK } from './fake-disk.ts'
import { CALM_NETWORK } from './fake-network.ts'
import { type EnsembleOptions, drawEnsemble } from './ensemble/ensemble-options.ts'
import { simulateEnsemble } from './ensemble/ensemble-simulation.ts'
import { CALM_PEERS } from './ensemble/fake-peer-network.ts'
import { type SimOptions, drawOptions } from './sim-options.ts'
import { type RunResult, describeResult } from './run.ts'
import { simulate } from './simulation.ts'
import type { TraceListener } from './trace.ts'

export interface SimOutcome extends Omit<RunResult, 'counts'> {
  /** How far it came, in one line. */
  readonly summary: string
}

export interface SimKind {
  /** What the command line adds for it. */
  readonly flag: string
  readonly stepsUsual: number
  /** What each can do without and may still fail. */
  readonly simplifications: readonly object[]
  /** All options of a run, as drawn from its seed. */
  draw(seed: number, steps: number): object
  run(seed: number, steps: number, options: object, trace: TraceListener | null): SimOutcome
}

export const ONE_SERVER_KIND: SimKind = {
  flag: '',
  stepsUsual: 20_000,
  simplifications: [
    { strangers: 0 },
    { wallJumpEvery: 0 },
    { decay: 0 },
    { linkFaultEvery: 0 },
    { crashEvery: 0 },
    { crashAtStart: 0 },
    { cleanStop: 0 },
    { disk: CALM_DISK },
    { network: CALM_NETWORK },
    { clients: 1 },
    { clients: 2 },
    { purgeRetain: 0 },
    { snapshotCompression: '' },
    { logSizeLimitBytes: null },
    { separateLogDirectory: false },
    { snapCount: 100_000 },
    { tree: 'naive' },
  ] satisfies Partial<SimOptions>[],
  draw: drawOptions,
  run(seed, steps, options, trace) {
    const result = simulate(seed, steps, trace === null ? { options } : { options, trace })
    return { ...result, summary: describeResult(result) }
  },
}

export const ENSEMBLE_KIND: SimKind = {
  flag: ' --ensemble',
  stepsUsual: 10_000,
  simplifications: [
    { faultEveryMs: 0 },
    { crashAtStart: 0 },
    { disk: CALM_DISK },
    { network: CALM_NETWORK },
    { peers: CALM_PEERS },
    { clients: 1 },
    { clients: 2 },
    { localSessions: 'none' },
    { readOnlyMode: false },
    { leaderServes: true },
    { zxidsPerEpoch: null },
    { groups: null },
    { observers: 0 },
    { faultsAtOnce: 1 },
    { powerLoss: 0 },
  ] satisfies Partial<EnsembleOptions>[],
  draw: drawEnsemble,
  run(seed, steps, options, trace) {
    const result = simulateEnsemble(seed, steps, trace === null ? { options } : { options, trace })
    return { ...result, summary: describeResult(result) }
  },
}

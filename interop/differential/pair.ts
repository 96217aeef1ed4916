/**
 * The two sides of a differential run, a server each or an ensemble each. Both start from nothing
 * with the same settings; some seeds enforce quotas, some have no nodes with a time to live, so that
 * each kind of server is met.
 */
import { startApache } from '../peers/apache-server.ts'
import { Ensemble, type MemberKind } from '../peers/ensemble.ts'
import type { ServerOptions, ServerUnderTest } from '../peers/server-under-test.ts'
import { superDigest } from '../peers/tree-walk.ts'
import { startZabra } from '../peers/zabra-server.ts'
import type { Servers } from './side.ts'

/** What is started beside Apache; both in one only where there are ensembles. */
export const AGAINST = ['apache', 'zabra', 'mixed'] as const
export type Against = (typeof AGAINST)[number]

export interface PairOptions {
  /** Addresses of running servers, with commas between those of an ensemble; both or neither. */
  readonly a?: string | undefined
  readonly b?: string | undefined
  /** When no addresses are given. */
  readonly against: Against
  /** Three voters and, for some seeds, an observer on each side. */
  readonly isEnsemble: boolean
}

export interface Pair extends AsyncDisposable {
  readonly a: Servers
  readonly b: Servers
  readonly names: readonly [string, string]
  /** What the servers have printed: warnings, and the last words of one that died. */
  outputs(): string
}

export async function startPair(seed: number, options: PairOptions): Promise<Pair> {
  if (options.a !== undefined && options.b !== undefined) {
    return {
      a: { ports: options.a.split(',').map(portOf), ensemble: null },
      b: { ports: options.b.split(',').map(portOf), ensemble: null },
      names: [options.a, options.b],
      outputs: () => '',
      [Symbol.asyncDispose]: async () => {},
    }
  }
  if (options.isEnsemble) return startEnsembles(seed, options)
  const settings: ServerOptions = { settings: settingsOf(seed) }
  const second = options.against === 'apache' ? startApache : startZabra
  const started = await Promise.allSettled([startApache(settings), second(settings)])
  const servers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failure = started.find((result) => result.status === 'rejected')
  if (failure !== undefined) {
    await endAll(servers)
    throw failure.reason
  }
  const [a, b] = servers as [ServerUnderTest, ServerUnderTest]
  return {
    a: { ports: [a.port], ensemble: null },
    b: { ports: [b.port], ensemble: null },
    names: [a.kind, b.kind],
    outputs: () => servers.map(({ kind, output }) => `${kind}: ${output()}`).join('\n'),
    [Symbol.asyncDispose]: () => endAll(servers),
  }
}

const MIXED: readonly MemberKind[] = ['apache', 'zabra']

async function startEnsembles(seed: number, { against }: PairOptions): Promise<Pair> {
  const local = { localSessionsEnabled: seed % 2 === 0, localSessionsUpgradingEnabled: true }
  const settings = {
    ...settingsOf(seed),
    ...local,
    reconfigEnabled: false,
    tickTime: 2_000,
    maxSessionTimeout: 1_000_000,
  }
  // The second server is the first to lead.
  const mixture = seed % 4 < 2 ? MIXED : [...MIXED].reverse()
  const kinds = against === 'mixed' ? mixture : [against]
  const started: Ensemble[] = []
  try {
    for (const each of [['apache'], kinds] as const) {
      const count = seed % 3 === 0 ? 4 : 3
      const plans = Array.from({ length: count }, (_, index) => ({
        kind: each[index % each.length] as MemberKind,
        isObserver: index === 3,
      }))
      const ensemble = await Ensemble.prepare(plans, settings)
      started.push(ensemble)
      // Two are enough for a leader, the same on both sides; the others come to it.
      await ensemble.start(1, 2)
      await ensemble.start(...ensemble.members.slice(2).map(({ id }) => id))
    }
  } catch (error) {
    for (const ensemble of started) await ensemble[Symbol.asyncDispose]()
    throw error
  }
  const serversOf = (ensemble: Ensemble): Servers => ({
    ports: ensemble.members.map(({ port }) => port),
    ensemble,
  })
  const [a, b] = started as [Ensemble, Ensemble]
  return {
    a: serversOf(a),
    b: serversOf(b),
    names: ['ensemble of apache', `ensemble of ${against}`],
    outputs: () => started.flatMap(({ members }) => members.map((it) => it.lastLines())).join('\n'),
    [Symbol.asyncDispose]: async () => {
      for (const ensemble of started) await ensemble[Symbol.asyncDispose]()
    },
  }
}

export function settingsOf(seed: number): Readonly<Record<string, string | boolean>> {
  return {
    'DigestAuthenticationProvider.superDigest': superDigest,
    enforceQuota: seed % 3 === 0,
    extendedTypesEnabled: seed % 5 !== 0,
    reconfigEnabled: seed % 4 === 0,
  }
}

async function endAll(servers: readonly ServerUnderTest[]): Promise<void> {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
}

function portOf(address: string): number {
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
  if (!Number.isInteger(port)) throw new Error(`${address} is not host:port`)
  return port
}

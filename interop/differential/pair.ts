/**
 * The two servers of a differential run. Both start from nothing with the same settings; some seeds
 * enforce quotas, some have no nodes with a time to live, so that each kind of server is met.
 */
import { startApache } from '../peers/apache-server.ts'
import type { ServerOptions, ServerUnderTest } from '../peers/server-under-test.ts'
import { superDigest } from '../peers/tree-walk.ts'
import { startZabra } from '../peers/zabra-server.ts'

export interface PairOptions {
  /** Addresses of running servers; both or neither. */
  readonly a?: string | undefined
  readonly b?: string | undefined
  /** What to start beside Apache when no addresses are given. */
  readonly against: string
}

export interface Pair extends AsyncDisposable {
  readonly portA: number
  readonly portB: number
  readonly names: readonly [string, string]
  /** What the servers have printed: warnings, and the last words of one that died. */
  outputs(): string
}

export async function startPair(seed: number, options: PairOptions): Promise<Pair> {
  if (options.a !== undefined && options.b !== undefined) {
    return {
      portA: portOf(options.a),
      portB: portOf(options.b),
      names: [options.a, options.b],
      outputs: () => '',
      [Symbol.asyncDispose]: async () => {},
    }
  }
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
    portA: a.port,
    portB: b.port,
    names: [a.kind, b.kind],
    outputs: () => servers.map(({ kind, output }) => `${kind}: ${output()}`).join('\n'),
    [Symbol.asyncDispose]: () => endAll(servers),
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

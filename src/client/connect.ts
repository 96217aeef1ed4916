// Puts a client together on a platform. `node.ts` fills in the real platform for its users.

import { silentLogger } from '../ports/logger.ts'
import { Driver } from './driver.ts'
import { Janitor } from './janitor.ts'
import { type ConnectOptions, resolveOptions } from './options.ts'
import type { Platform } from './platform.ts'
import { ZooKeeper } from './zookeeper.ts'

/** A client that connects when it is started or first used. Throws for options that are wrong. */
export function createClientOn(
  platform: Omit<Platform, 'logger'> & { readonly logger?: Platform['logger'] },
  target: string,
  options: ConnectOptions = {},
): ZooKeeper {
  const resolved = resolveOptions(target, options)
  const logger = resolved.logger ?? platform.logger ?? silentLogger
  const driver = new Driver(resolved, { ...platform, logger })
  return new ZooKeeper(driver, new Janitor(driver), resolved.chroot, resolved.operationTimeoutMs)
}

export interface ConnectWait {
  /** Ends the attempt; the client is closed then. */
  readonly signal?: AbortSignal
  /** Milliseconds for all attempts together. Default: the session's timeout, at most 30,000 ms. */
  readonly timeout?: number
}

/** A client with a session. Closes it again when that cannot be had in time. */
export async function connectOn(
  platform: Omit<Platform, 'logger'> & { readonly logger?: Platform['logger'] },
  target: string,
  options: ConnectOptions & ConnectWait = {},
): Promise<ZooKeeper> {
  const { signal, timeout: wanted, ...own } = options
  const client = createClientOn(platform, target, own)
  const timeout = wanted ?? Math.min(30_000, options.sessionTimeout ?? 30_000)
  try {
    return await client.start(signal === undefined ? { timeout } : { timeout, signal })
  } catch (error) {
    await client.close({ drain: 0 })
    throw error
  }
}

// The client on Node: real sockets, clocks, timers and randomness.

import { createHash, randomInt } from 'node:crypto'
import { type AclHelpers, aclHelpers } from './acl.ts'
import { type ConnectWait, connectOn, createClientOn } from './connect.ts'
import type { ConnectOptions } from './options.ts'
import type { Platform } from './platform.ts'
import type { ZooKeeper } from './zookeeper.ts'
import { TcpTransport } from '../io/net/tcp-transport.ts'

const platform: Omit<Platform, 'logger'> = {
  transport: new TcpTransport(),
  clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
  timers: {
    schedule(delayMs, task) {
      if (delayMs <= 0) {
        const immediate = setImmediate(task)
        return () => clearImmediate(immediate)
      }
      const timer = setTimeout(task, Math.min(delayMs, LONGEST_TIMER_MS))
      return () => clearTimeout(timer)
    },
  },
  random: { below: (bound) => randomInt(bound) },
}

/** Beyond this Node would run the timer at once. */
const LONGEST_TIMER_MS = 0x7fffffff

/**
 * Connects to an ensemble and resolves to a client with a session.
 * `target` is `host[:port][,host[:port]...][/chroot]`; the port is 2181 unless given.
 * Rejects with {@link ConnectError} when no session can be had in time, and with
 * {@link BadOptionsError} for a target or options that are wrong.
 *
 * @example
 * await using zk = await connect('zk1:2181,zk2:2181,zk3:2181/app', { sessionTimeout: 10_000 })
 * console.log(await zk.getChildren('/'))
 */
export function connect(
  target: string,
  options: ConnectOptions & ConnectWait = {},
): Promise<ZooKeeper> {
  return connectOn(platform, target, options)
}

/** A client that connects at its first operation, or when {@link ZooKeeper.start} is called. */
export function createClient(target: string, options: ConnectOptions = {}): ZooKeeper {
  return createClientOn(platform, target, options)
}

/** Access lists. See {@link AclHelpers}. */
export const acl: AclHelpers = aclHelpers({
  digest: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
})

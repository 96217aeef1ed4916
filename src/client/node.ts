// The client on Node: real sockets, clocks, timers and randomness.

import { randomInt } from 'node:crypto'
import { NodeHasher } from '../io/crypto/node-hasher.ts'
import { TcpTransport } from '../io/net/tcp-transport.ts'
import { NodeClock } from '../io/time/node-clock.ts'
import { NodeTimers } from '../io/time/node-timers.ts'
import { type AclHelpers, aclHelpers } from './acl.ts'
import { type ConnectWait, connectOn, createClientOn } from './connect.ts'
import type { ConnectOptions } from './options.ts'
import type { Platform } from './platform.ts'
import type { ZooKeeper } from './zookeeper.ts'

const timers = new NodeTimers()

/** The machine itself, for those who put a client together with parts of their own. */
export const nodePlatform: Omit<Platform, 'logger'> = {
  transport: new TcpTransport(),
  clock: new NodeClock(),
  timers: {
    schedule(delayMs, task) {
      if (delayMs > 0) return timers.schedule(delayMs, task)
      // At the end of this turn of the event loop, when all of its answers have been handed out
      // and what they made their callers ask for can leave together.
      const immediate = setImmediate(task)
      return () => clearImmediate(immediate)
    },
  },
  // Names of protected nodes are drawn from it, and must differ between processes.
  random: { below: (bound) => randomInt(bound) },
}

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
  return connectOn(nodePlatform, target, options)
}

/** A client that connects at its first operation, or when {@link ZooKeeper.start} is called. */
export function createClient(target: string, options: ConnectOptions = {}): ZooKeeper {
  return createClientOn(nodePlatform, target, options)
}

/** Access lists. See {@link AclHelpers}. */
export const acl: AclHelpers = aclHelpers(new NodeHasher())

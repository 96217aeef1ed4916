// One place in the queue before a lock or an office: an ephemeral sequential node, and the wait
// until nobody stands before it. Each waits for the one directly before it and for nobody else, so
// that a release wakes one and not all. It does not decide what being first means.

import { Deadline } from '../client/waiting.ts'
import type { Bytes } from '../client/bytes.ts'
import { isZkError } from '../client/errors.ts'
import type { NodeOptions } from '../client/create.ts'
import type { ZooKeeper } from '../client/zookeeper.ts'
import { type NameScheme, contendersOf, twinsOf } from './queue-names.ts'

export interface PlaceOptions {
  readonly directory: string
  readonly scheme: NameScheme
  readonly data: Bytes
  readonly acl?: NodeOptions['acl']
}

export class Place {
  readonly path: string
  readonly name: string
  /** The zxid of its creation: rises from holder to holder, so it serves as the fencing token. */
  readonly czxid: number
  readonly sessionId: bigint
  readonly #zk: ZooKeeper
  readonly #options: PlaceOptions

  private constructor(
    zk: ZooKeeper,
    options: PlaceOptions,
    path: string,
    czxid: number,
    sessionId: bigint,
  ) {
    this.#zk = zk
    this.#options = options
    this.path = path
    this.name = path.slice(path.lastIndexOf('/') + 1)
    this.czxid = czxid
    this.sessionId = sessionId
  }

  /** Takes a place at the end. The directory is made where it is missing. */
  static async take(zk: ZooKeeper, options: PlaceOptions, deadline: Deadline): Promise<Place> {
    const { directory, scheme, data, acl } = options
    const { path, stat } = await zk.create(join(directory, scheme.prefix), data, {
      ...deadline.step,
      ephemeral: true,
      sequential: true,
      parents: true,
      protect: scheme.mark,
      ...(acl === undefined ? {} : { acl }),
    })
    return new Place(zk, options, path, stat.czxid, stat.ephemeralOwner)
  }

  /** Whether the session that owns the place is the client's present one. */
  get isOfThisSession(): boolean {
    return this.#zk.session?.id === this.sessionId
  }

  /**
   * Waits until nobody stands before it: then true. False when the place is gone, with its session
   * or by somebody's hand; another one must be taken then.
   */
  async becomeFirst(deadline: Deadline): Promise<boolean> {
    for (;;) {
      deadline.throwIfOver()
      if (!this.#mayStillExist) return false
      const before = await this.#predecessor(deadline)
      if (before === undefined) return false
      if (before === null) return await this.exists(deadline)
      await this.#untilChange(before, deadline)
    }
  }

  /** Whether somebody stands before it at this moment, or it is gone. */
  async isFirst(deadline: Deadline): Promise<boolean> {
    return (await this.#predecessor(deadline)) === null && (await this.exists(deadline))
  }

  /** Whether the node is there and belongs to the present session. A node alone proves nothing. */
  async exists(deadline: Deadline): Promise<boolean> {
    const stat = await this.#zk.exists(this.path, deadline.step)
    return stat !== null && stat.czxid === this.czxid && this.isOfThisSession
  }

  /** Waits until the node is gone, or might be: after a reconnect it must be looked at again. */
  async untilGone(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        const { type } = await this.#zk.watchOnce(this.path, 'data', { signal })
        if (type === 'deleted') return
      } catch (error) {
        if (isZkError(error, 'ZK_NO_NODE')) return
        throw error
      }
    }
  }

  /**
   * Gives the place up, and resolves when the node is gone. Where the server cannot be told, the
   * client goes on trying in the background until the node is gone or its session is over.
   */
  async leave(
    options: { readonly timeout?: number; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    await this.#zk.delete(this.path, { ...options, guaranteed: true, ownedBy: this.sessionId })
  }

  /** As {@link leave}, for one who has no use for an error and no time to wait for a connection. */
  async leaveQuietly(): Promise<void> {
    const left = this.leave({ timeout: LEAVE_MS }).catch(() => {})
    if (this.#zk.state === 'connected') await left
  }

  get #mayStillExist(): boolean {
    const { state } = this.#zk
    // While the connection is away nothing is known; the session may still come back.
    return this.isOfThisSession || state === 'suspended' || state === 'connecting'
  }

  /** The path of the one directly before this place; null for the first, undefined for none at all. */
  async #predecessor(deadline: Deadline): Promise<string | null | undefined> {
    const { directory, scheme } = this.#options
    const names = await namesIn(this.#zk, directory, deadline)
    const contenders = contendersOf(names, scheme)
    const index = contenders.findIndex(({ name }) => name === this.name)
    if (index < 0) return undefined
    for (const twin of twinsOf(this.name, names, scheme)) await this.#removeTwin(twin, deadline)
    const own = contenders[index]
    // Equal numbers are no order: they come from nodes that stand for the same contender.
    const before = contenders.slice(0, index).findLast(({ sequence }) => sequence !== own?.sequence)
    return before === undefined ? null : join(directory, before.name)
  }

  /** A node of ours that a lost answer left behind. */
  async #removeTwin(name: string, deadline: Deadline): Promise<void> {
    const path = join(this.#options.directory, name)
    const stat = await this.#zk.exists(path, deadline.step)
    if (stat?.ephemeralOwner !== this.sessionId) return
    await this.#zk.delete(path, { ...deadline.step, ifMissing: 'ignore' })
  }

  /**
   * Waits for anything that may have changed the order: the predecessor, the connection, the
   * session. Whatever it was, the caller looks again; nothing is concluded from the event itself.
   */
  #untilChange(predecessor: string, deadline: Deadline): Promise<void> {
    return deadline.wait<void>((resolve, reject) => {
      const over = new AbortController()
      this.#zk.watchOnce(predecessor, 'data', { signal: over.signal }).then(
        () => resolve(),
        (error) => {
          if (isZkError(error, 'ZK_NO_NODE')) resolve()
          else if (!isZkError(error, 'ABORT_ERR')) reject(error)
        },
      )
      const states = this.#zk.onState(({ state }) => {
        if (state !== 'suspended') resolve()
      })
      return () => {
        over.abort()
        states[Symbol.dispose]()
      }
    })
  }
}

/** The contenders of a directory, first come first; none where it does not exist. */
export async function namesIn(
  zk: ZooKeeper,
  directory: string,
  deadline: Deadline,
): Promise<readonly string[]> {
  try {
    return (await zk.getChildren(directory, deadline.step)).children
  } catch (error) {
    if (isZkError(error, 'ZK_NO_NODE')) return []
    throw error
  }
}

export const join = (directory: string, name: string): string =>
  directory === '/' ? `/${name}` : `${directory}/${name}`

/** An answer within this time is worth waiting for; after it the client sees to the rest alone. */
const LEAVE_MS = 2_000

// Watches as streams: every change that the server announced, in order, or a `gap` that says that
// some may be missing, never silence. And the classic watch that fires once, as a promise.

import { pathProblem } from '../base/path.ts'
import { OpCode } from '../core/records/opcodes.ts'
import { AddWatchMode, EventType } from '../core/records/watches.ts'
import { toClientPath, toServerPath } from '../core/session-client/chroot.ts'
import { Watcher } from '../core/session-client/watch-registry.ts'
import type { ClientWatcher, WatchListener } from './driver.ts'
import { errorOfCode } from './error-of-call.ts'
import { ClosedError, PathError, ServerError, type ZkError } from './errors.ts'
import { EventStream } from './event-stream.ts'
import { onAbort } from './on-abort.ts'
import { Request, type View, abortError } from './request.ts'
import { Deadline } from './waiting.ts'

/** A change of a node, as the server announced it. It carries no data: read to know what is there now. */
export interface NodeEvent {
  readonly type: 'created' | 'dataChanged' | 'deleted' | 'childrenChanged'
  readonly path: string
  /** The change itself; null from servers before 3.9 and for changes found out after a reconnect. */
  readonly zxid: number | null
}

/** Changes between the two zxids may not have been announced: read again what matters. */
export interface GapEvent {
  readonly type: 'gap'
  readonly fromZxid: number
  readonly toZxid: number
  readonly reason: 'reconnect' | 'newSession' | 'overflow'
}

/** The watch is set again after a reconnect; from here on nothing is missed. */
export interface ResumedEvent {
  readonly type: 'resumed'
  readonly atZxid: number
  readonly server: string
}

export type WatchEvent = NodeEvent | GapEvent | ResumedEvent

export interface WatchOptions {
  /** `node` (the default): this node and the names of its children. `recursive`: it and all below. */
  readonly mode?: 'node' | 'recursive'
  /** How many events may wait for the reader. Default 1,024. */
  readonly buffer?: number
  /** When more would wait: one `gap` in place of them (the default), or the end with an error. */
  readonly overflow?: 'gap' | 'error'
  readonly signal?: AbortSignal
}

/**
 * A watch that lasts, over reconnects and new sessions, until it is disposed of. Leaving the loop
 * disposes of it; the server's watch goes with the last one on that path.
 *
 * @example
 * for await (const event of zk.watch('/services', { mode: 'recursive' })) {
 *   if (event.type === 'gap') await reloadAll()
 *   else if (event.type !== 'resumed') await reload(event.path)
 * }
 */
export class Watch implements AsyncIterable<WatchEvent>, AsyncDisposable, WatchListener {
  readonly path: string
  /** Resolves when the server has the watch: what changes from then on is announced. */
  readonly active: Promise<void>

  readonly #view: View
  readonly #watcher: ClientWatcher
  readonly #stream: EventStream<WatchEvent>
  readonly #bufferMax: number
  readonly #overflow: 'gap' | 'error'
  readonly #stopListening: () => void
  #stopAborting: () => void = () => {}
  #lastZxid = 0

  constructor(view: View, path: string, options: WatchOptions = {}) {
    const { driver } = view
    const recursive = options.mode === 'recursive'
    const serverPath = toServerPath(view.chroot, path)
    this.path = path
    this.#view = view
    this.#bufferMax = options.buffer ?? 1_024
    this.#overflow = options.overflow ?? 'gap'
    this.#watcher = new Watcher(recursive ? 'recursive' : 'persistent', serverPath, this)
    this.#stream = new EventStream(() => this.#drop())
    this.#stopListening = driver.onState(({ state, reason }) => {
      if (state === 'closed' || state === 'authFailed') {
        this.#end(new ClosedError(`watch ${path}: ${reason}`, { code: 'ZK_CLOSED', path }))
      }
    })
    const { signal } = options
    this.#stopAborting = onAbort(signal, () => {
      this.#end(abortError(`watch ${path}`, signal?.reason))
    })
    // It belongs to whatever session there is, and setting it twice does no harm.
    const unbounded = { timeout: Number.POSITIVE_INFINITY, boundTo: 'any' } as const
    const bounded = signal === undefined ? unbounded : { ...unbounded, signal }
    const request = Request.on(view, OpCode.addWatch, path, bounded, () => undefined)
    request.call.version = recursive ? AddWatchMode.persistentRecursive : AddWatchMode.persistent
    request.call.watcher = this.#watcher
    this.active = request.send()
    this.active.catch((error: ZkError) => this.#end(error))
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent> {
    return this.#stream
  }

  /** Ends the watch here and, if it was the last on its path, on the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream.return()
  }

  /** For the driver. */
  fired(type: number, path: string, zxid: number | null): void {
    const name = EVENT_NAMES.get(type)
    if (name === undefined) return
    if (zxid !== null) this.#lastZxid = zxid
    this.#push({ type: name, path: toClientPath(this.#view.chroot, path), zxid })
  }

  /** For the driver. */
  rearmed(fromZxid: number, toZxid: number, newSession: boolean, server: string): void {
    if (fromZxid !== toZxid) {
      const reason = newSession ? 'newSession' : 'reconnect'
      this.#push({ type: 'gap', fromZxid, toZxid, reason })
    }
    this.#lastZxid = toZxid
    this.#push({ type: 'resumed', atZxid: toZxid, server })
  }

  /** For the driver. */
  failed(error: number): void {
    this.#end(errorOfCode(error, { op: 'watch', path: this.path }))
  }

  #push(event: WatchEvent): void {
    const stream = this.#stream
    if (stream.length < this.#bufferMax) {
      stream.push(event)
      return
    }
    if (this.#overflow === 'error') {
      const message = `watch ${this.path}: ${this.#bufferMax} events wait to be read`
      this.#end(new ServerError(message, { code: 'ZK_WATCH_OVERFLOW', path: this.path }))
      return
    }
    const toZxid = event.type === 'gap' ? event.toZxid : this.#lastZxid
    const last = stream.last()
    if (last?.type === 'gap') stream.replaceLast({ ...last, toZxid })
    else {
      const fromZxid = event.type === 'gap' ? event.fromZxid : this.#lastZxid
      stream.push({ type: 'gap', fromZxid, toZxid, reason: 'overflow' })
    }
  }

  #end(error: Error): void {
    this.#stream.end(error)
    this.#drop()
  }

  #drop(): void {
    this.#stopListening()
    this.#stopAborting()
    this.#view.driver.dropWatcher(this.#watcher)
  }
}

export type WatchOnceKind = 'data' | 'exists' | 'children'

export interface WatchOnceOptions {
  readonly signal?: AbortSignal
  /** Milliseconds for the whole wait; by default it lasts as long as it takes. */
  readonly timeout?: number
}

/** Waits for one change. The watch lasts over reconnects; it is gone when the promise settles. */
export async function watchOnce(
  view: View,
  path: string,
  kind: WatchOnceKind,
  options: WatchOnceOptions,
): Promise<NodeEvent> {
  const problem = pathProblem(path)
  if (problem !== null) throw new PathError(path, problem)
  const timeoutMs = options.timeout ?? Number.POSITIVE_INFINITY
  const deadline = new Deadline(view.driver.platform, `watch ${path}`, timeoutMs, options.signal)
  return deadline.wait<NodeEvent>((resolve, reject) => {
    const listener: WatchListener = {
      fired(type, eventPath, zxid) {
        const name = EVENT_NAMES.get(type)
        if (name !== undefined)
          resolve({ type: name, path: toClientPath(view.chroot, eventPath), zxid })
      },
      rearmed: () => {},
      failed: (error) => reject(errorOfCode(error, { op: 'watch', path })),
    }
    const watcher: ClientWatcher = new Watcher(kind, toServerPath(view.chroot, path), listener)
    const request = new Request(view, ONCE_OPS[kind], path, ONCE, () => undefined)
    request.call.watcher = watcher
    request.send().catch((error: ZkError) => {
      // A node that is not there is what `exists` waits for.
      if (kind !== 'exists' || error.code !== 'ZK_NO_NODE') reject(error)
    })
    const stopListening = view.driver.onState(({ state, reason }) => {
      if (state === 'closed' || state === 'authFailed') {
        reject(new ClosedError(`watch ${path}: ${reason}`, { code: 'ZK_CLOSED', path }))
      }
    })
    return () => {
      stopListening()
      view.driver.dropWatcher(watcher)
    }
  })
}

/** The wait has its own bound, and outlasts connections and sessions. */
const ONCE = { boundTo: 'any', timeout: Number.POSITIVE_INFINITY } as const

const ONCE_OPS: Readonly<Record<WatchOnceKind, OpCode>> = {
  data: OpCode.getData,
  exists: OpCode.exists,
  children: OpCode.getChildren2,
}

const EVENT_NAMES: ReadonlyMap<number, NodeEvent['type']> = new Map<number, NodeEvent['type']>([
  [EventType.nodeCreated, 'created'],
  [EventType.nodeDeleted, 'deleted'],
  [EventType.nodeDataChanged, 'dataChanged'],
  [EventType.nodeChildrenChanged, 'childrenChanged'],
])

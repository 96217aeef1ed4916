// The client as its users see it: every operation as one method with an options object. Methods
// put a request together and hand it on; what takes more than that has a file of its own.

import { OpCode } from '../core/records/opcodes.ts'
import type { Identity } from '../core/session-client/decode-reply.ts'
import { toClientPath, toServerPath } from '../core/session-client/chroot.ts'
import { type ACL, fromWireAcl } from './acl.ts'
import type { Bytes } from './bytes.ts'
import type { Codec } from './codec.ts'
import { contentOf, decode, nullForNoNode, statOf, writtenOf, zxidOf } from './convert.ts'
import { type CreateOptions, type Created, createNode, createOnce, fillAcl } from './create.ts'
import { type DeleteOptions, deleteNode, deleteOnce } from './delete.ts'
import type { Driver } from './driver.ts'
import { BadOptionsError, type ClosedError } from './errors.ts'
import {
  CONFIG_PATH,
  type EnsembleConfig,
  type MembersChange,
  configOf,
  membersRequest,
} from './ensemble-config.ts'
import type { Janitor } from './janitor.ts'
import { endOf, listenTo, startWithin, statesOf } from './lifetime.ts'
import { type OperationOptions, type ReadOptions, asBytes, parseTarget } from './options.ts'
import type { Platform } from './platform.ts'
import { createProtected } from './protected-create.ts'
import { read } from './read.ts'
import { Request, type View } from './request.ts'
import type { Session } from './session.ts'
import type { Stat } from './stat.ts'
import type { State, StateEvent } from './state.ts'
import { type Operation, type ReadOperation, type ResultsOf, Transaction } from './transaction.ts'
import { commit, multiRead } from './transaction.ts'
import { type Change, type Content, type UpdateOptions, update } from './update.ts'
import { type WalkEntry, type WalkOptions, walk } from './walk.ts'
import { type NodeEvent, Watch, type WatchOnceKind, type WatchOnceOptions } from './watch.ts'
import { type WatchOptions, watchOnce } from './watch.ts'

/** How a client ends. */
export interface CloseOptions {
  /** How long to wait for what is in flight and for the end of the session. Default 5,000 ms. */
  readonly drain?: number
  /** Leave the session alive on the server, to be taken over (`resume`) before its timeout. */
  readonly keepSession?: boolean
}

/**
 * A connection to an ensemble with one session, which it keeps alive and takes along from server to
 * server. All operations of one client are applied in the order in which they were called.
 *
 * Every operation rejects with a {@link ZkError}; its `outcome` says whether a write happened.
 *
 * @example
 * await using zk = await connect('localhost:2181')
 * await zk.create('/greeting', 'hello')
 * const { data, stat } = await zk.getData('/greeting')
 */
export class ZooKeeper implements AsyncDisposable {
  readonly #driver: Driver
  readonly #janitor: Janitor
  readonly #view: View

  /** Made by `connect`, `createClient` and the views below, not directly. */
  constructor(driver: Driver, janitor: Janitor, chroot: string, operationTimeoutMs: number) {
    this.#driver = driver
    this.#janitor = janitor
    this.#view = { driver, chroot, operationTimeoutMs, janitor }
  }

  // ---- Connection and session

  /** The present state; {@link states} tells the changes. */
  get state(): State {
    return this.#driver.state
  }

  /** The present session; null before the first and between two. */
  get session(): Session | null {
    return this.#driver.session
  }

  /** The latest zxid that an answer has shown. No server that is behind it will be used. */
  get lastZxid(): number {
    return this.#driver.lastZxid
  }

  /** Operations sent and not answered. */
  get inFlight(): number {
    return this.#driver.inFlight
  }

  /** Operations waiting to be sent. */
  get waiting(): number {
    return this.#driver.waiting
  }

  /**
   * Connects, and resolves when there is a session.
   * Rejects with {@link ConnectError} when that takes longer than `timeout` (30,000 ms by default);
   * the client goes on trying until it is closed.
   */
  async start(
    options: { readonly signal?: AbortSignal; readonly timeout?: number } = {},
  ): Promise<this> {
    await startWithin(this.#driver, options.timeout ?? 30_000, options.signal)
    return this
  }

  /** Every change of state from the present one on, which comes first. None is left out. */
  states(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<StateEvent> {
    return statesOf(this.#driver, options.signal)
  }

  /**
   * Calls `listener` at each change of state, before the operations that it concerns are settled.
   * What it throws is logged. Dispose of the result, or abort the signal, to end that.
   */
  onState(
    listener: (event: StateEvent) => void,
    options: { readonly signal?: AbortSignal } = {},
  ): Disposable {
    return listenTo(this.#driver, listener, options.signal)
  }

  /** A view in which every path stands below `prefix`. It shares this client's session. */
  namespace(prefix: string): ZooKeeper {
    const chroot = toServerPath(this.#view.chroot, prefix)
    const { operationTimeoutMs } = this.#view
    return new ZooKeeper(
      this.#driver,
      this.#janitor,
      chroot === '/' ? '' : chroot,
      operationTimeoutMs,
    )
  }

  /** A view with another default for the time of an operation. It shares this client's session. */
  withOptions(options: { readonly operationTimeout: number }): ZooKeeper {
    const { chroot } = this.#view
    return new ZooKeeper(this.#driver, this.#janitor, chroot, options.operationTimeout)
  }

  /** Uses these servers from now on. The session is kept, and the connection too if it may. */
  updateServers(target: string): void {
    const { hosts, chroot } = parseTarget(target)
    if (chroot !== '') throw new BadOptionsError('a list of servers has no chroot')
    this.#driver.setHosts(hosts)
  }

  /** Ends the session, and with it its ephemeral nodes, then the client. Resolves when that is done. */
  close(options: CloseOptions = {}): Promise<void> {
    const closed = this.closed().then(() => {})
    this.#driver.close(options.drain ?? 5_000, options.keepSession ?? false)
    return closed
  }

  /** Resolves when the client has ended: with nothing when it was closed, else with the reason. */
  closed(): Promise<ClosedError | undefined> {
    return endOf(this.#driver)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** The clocks, timers and randomness that this client runs on: for recipes, which then run in the
   * same time, also where that is a virtual one. */
  get platform(): Platform {
    return this.#driver.platform
  }

  // ---- Writing

  /**
   * Creates a node. Rejects with `NodeExistsError`, `NoNodeError` (no parent), `NoAuthError`,
   * `NoChildrenForEphemeralsError` and others.
   *
   * @example
   * const { path } = await zk.create('/jobs/job-', bytes, { sequential: true, parents: true })
   */
  create(path: string, data: Bytes = '', options: CreateOptions = {}): Promise<Created> {
    const { protect = false, parents = false, ifExists = 'error' } = options
    if (protect === false) {
      if (parents === false && ifExists === 'error')
        return createOnce(this.#view, path, data, options)
      return createNode(this.#view, path, data, options)
    }
    const style = protect === true ? 'curator' : protect
    return createNode(this.#view, path, data, options, (view, at, bytes, step) =>
      createProtected(view, at, bytes, step, style),
    )
  }

  /**
   * Replaces a node's data. With a `version`, only if the node has it: else `BadVersionError`.
   */
  setData(
    path: string,
    data: Bytes,
    options?: OperationOptions & { readonly version?: number },
  ): Promise<{ stat: Stat; zxid: number }> {
    const request = Request.on(this.#view, OpCode.setData, path, options, writtenOf)
    request.call.data = asBytes(data)
    request.call.version = options?.version ?? -1
    return request.send()
  }

  /** Deletes a node; `NotEmptyError` where it has children, unless `recursive`. */
  delete(path: string, options: DeleteOptions = {}): Promise<{ zxid: number }> {
    const isPlain =
      options.guaranteed !== true && options.recursive !== true && options.ifMissing !== 'ignore'
    return isPlain ? deleteOnce(this.#view, path, options) : deleteNode(this.#view, path, options)
  }

  /** Reads, computes and writes until nobody was quicker. See {@link Change}. */
  update(path: string, change: Change, options: UpdateOptions = {}): Promise<Content | null> {
    return update(this.#view, path, change, options)
  }

  setACL(
    path: string,
    acl: readonly ACL[],
    options?: OperationOptions & { readonly version?: number },
  ): Promise<{ stat: Stat; zxid: number }> {
    const request = Request.on(this.#view, OpCode.setACL, path, options, writtenOf)
    request.problem ??= fillAcl(request.call, acl)
    request.call.version = options?.version ?? -1
    return request.send()
  }

  /** Collects changes that happen together or not at all. */
  transaction(options: OperationOptions = {}): Transaction {
    return new Transaction(this.#view, options)
  }

  /** A transaction from a list; see {@link op}. Results stand where their operations stand. */
  multi<const Ops extends readonly Operation<unknown>[]>(
    operations: Ops,
    options: OperationOptions = {},
  ): Promise<ResultsOf<Ops>> {
    return commit(this.#view, operations, [], options) as Promise<ResultsOf<Ops>>
  }

  // ---- Reading

  /** A node's data; with a codec, the value it stands for. Rejects with `NoNodeError`. */
  getData(path: string, options?: ReadOptions): Promise<{ data: Uint8Array; stat: Stat }>
  getData<T>(
    path: string,
    codec: Codec<T>,
    options?: ReadOptions,
  ): Promise<{ value: T; stat: Stat }>
  getData<T>(
    path: string,
    codecOrOptions?: Codec<T> | ReadOptions,
    options?: ReadOptions,
  ): Promise<unknown> {
    if (codecOrOptions === undefined || !('decode' in codecOrOptions)) {
      return read(this.#view, OpCode.getData, path, codecOrOptions, contentOf)
    }
    const codec = codecOrOptions
    return read(this.#view, OpCode.getData, path, options, (call) => decode(call, codec, path))
  }

  /** A node's metadata, or null where there is no node. */
  exists(path: string, options?: ReadOptions): Promise<Stat | null> {
    return read(this.#view, OpCode.exists, path, options, statOf).catch(nullForNoNode)
  }

  /** The names of a node's children, in no particular order. */
  getChildren(
    path: string,
    options?: ReadOptions,
  ): Promise<{ children: readonly string[]; stat: Stat }> {
    return read(this.#view, OpCode.getChildren2, path, options, (call) => ({
      children: call.value?.names ?? [],
      stat: statOf(call),
    }))
  }

  getACL(path: string, options?: ReadOptions): Promise<{ acl: readonly ACL[]; stat: Stat }> {
    return read(this.#view, OpCode.getACL, path, options, (call) => ({
      acl: fromWireAcl(call.value?.acl ?? []),
      stat: statOf(call),
    }))
  }

  /** Several reads in one request; each slot holds its result or its {@link ZkError}. */
  multiRead<const Ops extends readonly ReadOperation<unknown>[]>(
    operations: Ops,
    options: OperationOptions = {},
  ): Promise<ResultsOf<Ops>> {
    return multiRead(this.#view, operations, options) as Promise<ResultsOf<Ops>>
  }

  /** The node and everything below it, parents first. What changes meanwhile may be missed. */
  walk(path: string, options: WalkOptions = {}): AsyncIterable<WalkEntry> {
    return walk(this, path, options)
  }

  /** The paths of this session's ephemeral nodes below a prefix. */
  getEphemerals(prefix: string = '/', options?: OperationOptions): Promise<readonly string[]> {
    return read(this.#view, OpCode.getEphemerals, prefix, options, (call, { chroot }) =>
      (call.value?.names ?? []).map((path) => toClientPath(chroot, path)),
    )
  }

  /** How many nodes there are below this one. */
  countDescendants(path: string, options?: OperationOptions): Promise<number> {
    return read(
      this.#view,
      OpCode.getAllChildrenNumber,
      path,
      options,
      (call) => call.value?.count ?? 0,
    )
  }

  /** The identities that this connection has proved. */
  whoAmI(options?: OperationOptions): Promise<readonly Identity[]> {
    return read(this.#view, OpCode.whoAmI, '/', options, (call) => call.value?.identities ?? [])
  }

  /** Lets the server catch up with the leader: reads after it see all that was committed before. */
  sync(path: string = '/', options?: OperationOptions): Promise<{ zxid: number }> {
    return Request.on(this.#view, OpCode.sync, path, options, zxidOf).send()
  }

  /** Lets this client see the change `zxid`, of which another client has told. */
  async catchUp(zxid: number, options?: OperationOptions): Promise<void> {
    if (this.lastZxid < zxid) await this.sync('/', options)
  }

  // ---- Watching

  /** A lasting watch on a node, or on a whole subtree. See {@link Watch}. */
  watch(path: string, options: WatchOptions = {}): Watch {
    return new Watch(this.#view, path, options)
  }

  /**
   * Waits for one change: of a node's `data` (or its deletion), of its children (or its deletion),
   * or (`exists`) for its creation, change or deletion. `data` and `children` reject with
   * `NoNodeError` where there is no node.
   */
  watchOnce(path: string, kind: WatchOnceKind, options: WatchOnceOptions = {}): Promise<NodeEvent> {
    return watchOnce(this.#view, path, kind, options)
  }

  // ---- The ensemble's members

  /**
   * Who belongs to the ensemble, as this server knows it. No chroot or namespace stands before it,
   * nor before {@link watchConfig} and {@link reconfig}.
   */
  getConfig(options?: ReadOptions): Promise<EnsembleConfig> {
    return read(this.#wholeTree, OpCode.getData, CONFIG_PATH, options, configOf)
  }

  /** A lasting watch on that: each change of it is a `dataChanged`, upon which to read it again. */
  watchConfig(options: Omit<WatchOptions, 'mode'> = {}): Watch {
    return new Watch(this.#wholeTree, CONFIG_PATH, options)
  }

  /**
   * Changes the members of the ensemble while it works. Resolves to what it is then. Rejects with
   * `ReconfigDisabledError`, `NoAuthError` (as a rule it takes the super user), `BadVersionError`
   * (not `fromVersion` any more), `ReconfigInProgressError`, `NewConfigNoQuorumError` (those who join
   * have to follow first), `BadArgumentsError`, and with `ConnectionLossError` where the change takes
   * the server away that was asked: its outcome is unknown then, and {@link getConfig} tells.
   *
   * @example
   * const { version } = await zk.getConfig()
   * const joining = ['server.4=zk4:2888:3888:participant;2181']
   * await zk.reconfig({ joining, leaving: [1], fromVersion: version })
   */
  reconfig(change: MembersChange, options?: OperationOptions): Promise<EnsembleConfig> {
    const request = new Request(this.#wholeTree, OpCode.reconfig, CONFIG_PATH, options, configOf)
    const members = membersRequest(change)
    if ('code' in members) request.problem = members
    else request.call.members = members
    return request.send()
  }

  // ---- Identities

  /**
   * Proves an identity, now and on every later connection, before anything else is sent.
   * A refusal ends the client with `AuthFailedError`.
   */
  addAuth(scheme: string, data: Bytes, options?: OperationOptions): Promise<void> {
    const request = new Request(this.#view, OpCode.auth, '/', options, () => undefined)
    const bytes = asBytes(data).slice()
    return request.sendBy((driver, call) => driver.addAuth(scheme, bytes, call))
  }

  /** Does not prove the identities of this scheme any more; the present connection keeps them. */
  removeAuth(scheme: string): void {
    this.#driver.removeAuth(scheme)
  }

  get #wholeTree(): View {
    return { ...this.#view, chroot: '' }
  }
}

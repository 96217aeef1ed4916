// What simulated clients do: each draws a character (which operations it favours, how fast it is,
// how it ends), and then goes on by chance. Every value written is unique, so that no two writes
// can be taken for each other. All calls go to the raw session machine, sensible or not.

import { must } from '../base/assert.ts'
import type { Prng } from '../base/prng.ts'
import { encodeUtf8 } from '../base/text.ts'
import { type Acl, Perms, WORLD_ALL, WORLD_READ } from '../core/records/acl.ts'
import { AddWatchMode, WatcherType } from '../core/records/watches.ts'
import { CreateMode, OpCode } from '../core/records/opcodes.ts'
import { Call, type CallOp } from '../core/session-client/call.ts'
import { type WatchKind, Watcher } from '../core/session-client/watch-registry.ts'
import type { SimCall, SimWatcher } from './sim-client.ts'

type Action =
  | 'create'
  | 'createSequential'
  | 'createEphemeral'
  | 'createContainer'
  | 'createTtl'
  | 'delete'
  | 'setData'
  | 'setAcl'
  | 'multi'
  | 'multiRead'
  | 'getData'
  | 'exists'
  | 'getChildren'
  | 'getAcl'
  | 'addWatch'
  | 'dropWatch'
  | 'removeWatches'
  | 'sync'
  | 'ask'
  | 'nonsense'

const USUAL_WEIGHTS: Readonly<Record<Action, number>> = {
  create: 10,
  createSequential: 5,
  createEphemeral: 8,
  createContainer: 2,
  createTtl: 2,
  delete: 10,
  setData: 14,
  setAcl: 2,
  multi: 6,
  multiRead: 2,
  getData: 14,
  exists: 8,
  getChildren: 8,
  getAcl: 2,
  addWatch: 2,
  dropWatch: 2,
  removeWatches: 1,
  sync: 2,
  ask: 3,
  nonsense: 2,
}

/** Nodes with names that begin so are written by calls of their own kind alone. */
export const REGISTER_PREFIX: string = '/register-'
const REGISTER_SHARE = 0.15

/** What the service lets be asked for. */
export interface WorkloadTraits {
  /** Whether the node of the membership is read; on it servers need not agree. */
  readonly readsConfig: boolean
  /** How many nodes are used as registers, with operations that a client's view can be judged by. */
  readonly registers: number
  /** Milliseconds: the shortest session timeout that makes sense. */
  readonly sessionMs: number
  /** Whether some clients take a server that only reads. */
  readonly allowsReadOnly: boolean
}

export const ONE_SERVER: WorkloadTraits = {
  readsConfig: true,
  registers: 0,
  sessionMs: 0,
  allowsReadOnly: false,
}

/** What a client is like, drawn once. */
export interface Character {
  readonly weights: readonly (readonly [Action, number])[]
  /** Milliseconds between bursts, at most. */
  readonly thinkMs: number
  /** Calls in one burst, at most. */
  readonly burst: number
  /** Of the calls that can leave a watch, how many do. */
  readonly watching: number
  /** Bytes of data, usually and at most. */
  readonly dataBytes: number
  readonly sessionTimeoutMs: number
  /** How often, at the end of a burst, it closes, dies or stands still for a while. */
  readonly close: number
  readonly kill: number
  readonly pause: number
  /** The user it shows to be, or null. */
  readonly user: string | null
  readonly traits: WorkloadTraits
}

export function drawCharacter(random: Prng, traits: WorkloadTraits = ONE_SERVER): Character {
  // Some operations not at all, others a lot: what a mixture of everything never reaches.
  const isSwarming = random.chance(0.6)
  const weights = (Object.entries(USUAL_WEIGHTS) as [Action, number][]).map(
    ([action, weight]) =>
      [action, isSwarming ? weight * random.pick([0, 0, 1, 1, 4]) : weight] as const,
  )
  const isGentle = random.chance(0.4)
  return {
    weights: weights.some(([, weight]) => weight > 0) ? weights : [['setData', 1]],
    thinkMs: random.pick([2, 20, 200, 2_000]),
    burst: random.pick([1, 1, 3, 10, 40]),
    watching: random.pick([0, 0.1, 0.5]),
    dataBytes: random.pick([10, 100, 100, 3_000]),
    sessionTimeoutMs: Math.max(
      traits.sessionMs,
      random.pick([1_000, 4_000, 6_000, 15_000, 100_000]),
    ),
    close: isGentle ? 0 : random.pick([0, 0.005, 0.03]),
    kill: isGentle ? 0 : random.pick([0, 0.005, 0.02]),
    pause: isGentle ? 0 : random.pick([0, 0.005, 0.02]),
    user: random.chance(0.3) ? random.pick(['ann:1', 'bob:2']) : null,
    traits,
  }
}

export class CallSource {
  readonly #random: Prng
  readonly #character: Character
  readonly #name: string
  readonly #total: number
  readonly #watchers: SimWatcher[] = []
  readonly #sequential: string[] = []
  /** The read that a `sync` was asked for. */
  #behindSync: SimCall | null = null
  #numbers = 0
  #values = 0

  constructor(name: string, random: Prng, character: Character) {
    this.#name = name
    this.#random = random
    this.#character = character
    this.#total = character.weights.reduce((sum, [, weight]) => sum + weight, 0)
  }

  /** The next call; null where the client would rather drop a watcher, see `takeWatcher`. */
  next(): SimCall | null {
    const behind = this.#behindSync
    if (behind !== null) {
      this.#behindSync = null
      return behind
    }
    const { registers } = this.#character.traits
    if (registers > 0 && this.#random.chance(REGISTER_SHARE)) return this.#onRegister(registers)
    const action = this.#drawAction()
    return action === 'dropWatch' ? null : this.#callFor(action)
  }

  #onRegister(registers: number): SimCall {
    const random = this.#random
    const path = `${REGISTER_PREFIX}${random.below(registers)}`
    const data = this.#value() ?? new Uint8Array(0)
    switch (random.below(8)) {
      case 0:
      case 1:
        return this.#call(OpCode.create, path, { acl: WORLD_ALL, data })
      case 2:
        return this.#call(OpCode.delete, path, { version: this.#version() })
      case 3:
      case 4:
      case 5:
        return this.#call(OpCode.setData, path, { data, version: this.#version() })
      default:
        return this.#syncAndRead(path)
    }
  }

  #syncAndRead(path: string): SimCall {
    const sync = this.#call(OpCode.sync, path, {})
    this.#behindSync = new Call(OpCode.getData, path, { number: ++this.#numbers, behind: sync })
    return sync
  }

  /** A watcher to be dropped, or undefined where there is none. */
  takeWatcher(): SimWatcher | undefined {
    const at = this.#random.below(this.#watchers.length + 1)
    return this.#watchers.splice(at, 1)[0]
  }

  /** A write that can only fail if the service does. */
  probe(): SimCall {
    return this.#call(OpCode.setData, '/', { data: this.#value() })
  }

  authCall(): SimCall {
    return this.#call(OpCode.auth, '', {})
  }

  /** What became of a call: names that the server made are needed for removing them again. */
  settled(call: SimCall): void {
    const path = call.value?.path
    if (call.failure !== null || path === undefined || path === null) return
    if (/\d{10}$/.test(path)) this.#sequential.push(path)
  }

  #drawAction(): Action {
    let left = this.#random.below(this.#total)
    for (const [action, weight] of this.#character.weights) {
      if (left < weight) return action
      left -= weight
    }
    return 'getData'
  }

  #callFor(action: Action): SimCall {
    const random = this.#random
    switch (action) {
      case 'create':
      case 'createSequential':
      case 'createEphemeral':
      case 'createContainer':
      case 'createTtl': {
        const op = this.#createOp(action)
        return this.#call(op.op, op.path, op)
      }
      case 'delete':
        return this.#call(OpCode.delete, this.#pathToRemove(), { version: this.#version() })
      case 'setData':
        return this.#call(OpCode.setData, this.#path(), {
          data: this.#value(),
          version: this.#version(),
        })
      case 'setAcl': {
        const path = random.chance(0.9) ? `/acl${this.#restrictedName()}` : this.#path()
        return this.#call(OpCode.setACL, path, {
          acl: path.startsWith('/acl') ? this.#acl() : WORLD_ALL,
          version: this.#version(),
        })
      }
      case 'multi':
        return this.#call(OpCode.multi, '', { ops: this.#multiOps() })
      case 'multiRead':
        return this.#call(OpCode.multiRead, '', { ops: this.#multiReadOps() })
      case 'getData':
        return this.#read(OpCode.getData, 'data')
      case 'exists':
        return this.#read(OpCode.exists, 'exists')
      case 'getChildren':
        return this.#read(random.pick([OpCode.getChildren, OpCode.getChildren2]), 'children')
      case 'getAcl':
        return this.#call(OpCode.getACL, this.#path(), {})
      case 'addWatch':
        return this.#addWatch()
      case 'removeWatches': {
        const op = random.pick([OpCode.checkWatches, OpCode.checkWatches])
        return this.#call(op, this.#path(), { version: random.between(WatcherType.children, 5) })
      }
      case 'sync':
        return this.#call(OpCode.sync, this.#path(), {})
      case 'ask':
        return this.#ask()
      case 'nonsense':
        return this.#nonsense()
      case 'dropWatch':
        return this.#call(OpCode.exists, '/', {})
    }
  }

  #createOp(action: Action): CallOp {
    const random = this.#random
    const path = this.#path()
    const base = { ...NO_OP, path, data: this.#value(), acl: this.#aclFor(path) }
    const op = random.pick([OpCode.create, OpCode.create2])
    switch (action) {
      case 'createSequential': {
        const flags = random.pick([
          CreateMode.persistentSequential,
          CreateMode.ephemeralSequential,
          CreateMode.ephemeralSequential,
        ])
        return { ...base, op, flags, path: random.chance(0.2) ? `${path}/` : `${path}-` }
      }
      case 'createEphemeral':
        return { ...base, op, flags: CreateMode.ephemeral }
      case 'createContainer':
        return { ...base, op: OpCode.createContainer, flags: CreateMode.container }
      case 'createTtl': {
        const flags = random.pick([CreateMode.persistentTtl, CreateMode.persistentSequentialTtl])
        return { ...base, op: OpCode.createTTL, flags, ttlMs: random.pick([1, 500, 5_000, 60_000]) }
      }
      default:
        return { ...base, op, flags: CreateMode.persistent }
    }
  }

  #multiOps(): CallOp[] {
    const random = this.#random
    const count = random.pick([0, 1, 2, 2, 3, 5, 12])
    return Array.from({ length: count }, () => {
      const path = this.#path()
      switch (random.below(6)) {
        case 0:
          return this.#createOp('create')
        case 1:
          return this.#createOp(
            random.pick(['createEphemeral', 'createSequential', 'createContainer']),
          )
        case 2:
          return { ...NO_OP, op: OpCode.delete, path: this.#pathToRemove(), version: -1 }
        case 3:
          return { ...NO_OP, op: OpCode.check, path, version: this.#version() }
        default:
          return { ...NO_OP, op: OpCode.setData, path, data: this.#value(), version: -1 }
      }
    })
  }

  #multiReadOps(): CallOp[] {
    const random = this.#random
    return Array.from({ length: random.below(5) }, () => ({
      ...NO_OP,
      op: random.pick([OpCode.getData, OpCode.getChildren]),
      path: this.#path(),
    }))
  }

  #read(op: OpCode, kind: WatchKind): SimCall {
    const path = this.#path()
    const call = this.#call(op, path, {})
    if (this.#random.chance(this.#character.watching)) call.watcher = this.#watcher(kind, path)
    return call
  }

  #addWatch(): SimCall {
    const random = this.#random
    const path = random.chance(0.2) ? '/' : this.#path()
    const isRecursive = random.chance(0.5)
    const call = this.#call(OpCode.addWatch, path, {
      version: isRecursive ? AddWatchMode.persistentRecursive : AddWatchMode.persistent,
    })
    call.watcher = this.#watcher(isRecursive ? 'recursive' : 'persistent', path)
    return call
  }

  #watcher(kind: WatchKind, path: string): SimWatcher {
    const watcher: SimWatcher = new Watcher(kind, path, {
      armedAt: null,
      armedOnNode: false,
      fired: 0,
    })
    this.#watchers.push(watcher)
    if (this.#watchers.length > 100) this.#watchers.shift()
    return watcher
  }

  #ask(): SimCall {
    const op = this.#random.pick([
      OpCode.whoAmI,
      OpCode.getEphemerals,
      OpCode.getAllChildrenNumber,
      OpCode.getAllChildrenNumber,
    ])
    const path = op === OpCode.whoAmI ? '' : this.#random.pick(['/', '/a', this.#path()])
    return this.#call(op, path, {})
  }

  /** Requests that a client library would not let pass, or that must fail. */
  #nonsense(): SimCall {
    const random = this.#random
    const path = random.pick([
      '',
      'a',
      '//',
      '/a//b',
      '/a/',
      '/a/../b',
      '/.',
      '/a\u0001',
      '/\ufffd',
      '/zookeeper',
      this.#character.traits.readsConfig ? '/zookeeper/config' : '/zookeeper/quota',
    ])
    const op = random.pick([
      OpCode.create,
      OpCode.delete,
      OpCode.setData,
      OpCode.getData,
      OpCode.exists,
      OpCode.setACL,
    ])
    // The root keeps its list, or nobody could do anything any more.
    const isHarmless = path !== '' && !path.startsWith('/zookeeper')
    if (op === OpCode.create) {
      const acl = random.pick([null, [], WORLD_ALL])
      const flags = random.pick([0, 1, 2, 4, 5, 7, -1])
      return this.#call(op, isHarmless ? path : '/zookeeper', { acl, flags, data: this.#value() })
    }
    if (op === OpCode.setACL) return this.#call(op, '/no/such', { acl: random.pick([null, []]) })
    if (op === OpCode.setData && !isHarmless) return this.#call(OpCode.getData, path, {})
    return this.#call(op, path, { data: null })
  }

  #call(op: OpCode, path: string, fields: Partial<Omit<CallOp, 'op' | 'path'>> & Extra): SimCall {
    const call: SimCall = new Call(op, path, { number: ++this.#numbers })
    call.data = fields.data ?? null
    call.acl = fields.acl ?? null
    call.flags = fields.flags ?? 0
    call.version = fields.version ?? -1
    call.ttlMs = fields.ttlMs ?? 0
    call.ops = fields.ops ?? null
    if (op === OpCode.setData && this.#random.chance(0.05)) call.resend = true
    return call
  }

  #path(): string {
    const random = this.#random
    if (random.chance(0.08)) return `/acl${this.#restrictedName()}`
    const known = this.#sequential
    if (known.length > 0 && random.chance(0.1)) return random.pick(known)
    let path = `/${random.pick(['a', 'b', 'c', 'd'])}`
    if (random.chance(0.65)) path += `/${random.pick(['x', 'y', 'z'])}`
    if (random.chance(0.35)) path += `/${random.pick(['1', '2', 'ä€'])}`
    return path
  }

  #restrictedName(): string {
    return this.#random.pick(['', '/p', '/q', '/q/r'])
  }

  /** Names that the server made go away again, or the tree would only grow. */
  #pathToRemove(): string {
    const known = this.#sequential
    if (known.length > 0 && this.#random.chance(0.6)) return must(known.shift(), 'one is known')
    return this.#path()
  }

  #aclFor(path: string): readonly Acl[] {
    return path.startsWith('/acl') ? this.#acl() : WORLD_ALL
  }

  #acl(): readonly Acl[] {
    const random = this.#random
    return random.pick<readonly Acl[]>([
      WORLD_ALL,
      WORLD_ALL,
      WORLD_READ,
      [{ perms: random.below(32), id: { scheme: 'world', id: 'anyone' } }],
      [{ perms: Perms.all, id: { scheme: 'auth', id: '' } }],
      [
        { perms: Perms.read, id: { scheme: 'world', id: 'anyone' } },
        { perms: Perms.all, id: { scheme: 'ip', id: random.pick(['10.0.0.1', '10.0.0.2']) } },
        { perms: Perms.read, id: { scheme: 'world', id: 'anyone' } },
      ],
      [{ perms: Perms.all, id: { scheme: 'digest', id: 'ann:no-such-hash' } }],
      [{ perms: Perms.all, id: { scheme: 'nonsense', id: 'x' } }],
    ])
  }

  #version(): number {
    return this.#random.pick([-1, -1, -1, 0, 0, 1, 2, 3])
  }

  #value(): Uint8Array | null {
    const random = this.#random
    if (random.chance(0.02)) return null
    if (random.chance(0.02)) return new Uint8Array(0)
    const { dataBytes } = this.#character
    const length = random.chance(0.02) ? dataBytes * 20 : random.below(dataBytes)
    const text = encodeUtf8(`${this.#name}-${++this.#values}.`)
    const value = new Uint8Array(Math.max(length, text.length))
    for (let at = 0; at < value.length; at++) value[at] = text[at % text.length] as number
    return value
  }
}

interface Extra {
  readonly ops?: readonly CallOp[]
}

const NO_OP: CallOp = {
  op: OpCode.check,
  path: '',
  data: null,
  acl: null,
  flags: 0,
  version: -1,
  ttlMs: 0,
}

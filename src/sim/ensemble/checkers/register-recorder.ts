// Keeps what clients have done to the nodes that serve as registers, and has it judged in the end:
// writes are linearizable, and so is a read behind a `sync`, unless a leader that was already
// superseded has answered that (as in ZooKeeper, `sync` asks no quorum).

import { decodeUtf8 } from '../../../base/text.ts'
import { epochOf } from '../../../base/zxid.ts'
import { ErrorCode } from '../../../core/records/errors.ts'
import { OpCode } from '../../../core/records/opcodes.ts'
import { mark } from '../../../base/marks.ts'
import { Violation, canonical } from '../../checkers/violation.ts'
import type { SimCall } from '../../sim-client.ts'
import type { CallWitness } from '../../sim-population.ts'
import { REGISTER_PREFIX } from '../../workload.ts'
import { type Operation, checkLinearizable } from './linearizability.ts'
import { REGISTER, type RegisterOp } from './register.ts'

type History = Operation<RegisterOp>[]

export class RegisterRecorder implements CallWitness {
  readonly #servedEpoch: () => number
  readonly #began = new Map<SimCall, Begun>()
  readonly #freshSyncs = new Set<SimCall>()
  readonly #histories = new Map<string, History>()
  #time = 0
  #count = 0

  /** `servedEpoch` is the newest epoch in which any server has served. */
  constructor(servedEpoch: () => number) {
    this.#servedEpoch = servedEpoch
  }

  /** Operations that were judged, or will be. */
  get count(): number {
    return this.#count
  }

  submitted(call: SimCall): void {
    if (!call.path.startsWith(REGISTER_PREFIX)) return
    // A call lets go of its data when it is settled.
    this.#began.set(call, { at: ++this.#time, value: textOf(call.data) })
  }

  settled(call: SimCall, isReadOnly: boolean): void {
    const begun = this.#began.get(call)
    if (begun === undefined) return
    if (call.op !== OpCode.sync) this.#began.delete(call)
    if (call.op === OpCode.sync) {
      const isFresh = call.succeeded && epochOf(call.zxid) >= this.#servedEpoch()
      if (isFresh) this.#freshSyncs.add(call)
    } else if (call.op === OpCode.getData) {
      if (!isReadOnly) this.#onRead(call)
    } else {
      this.#onWrite(call, begun)
    }
  }

  /** The run is over: calls that are still open may have done something or not. */
  judge(): void {
    for (const [call, { at, value }] of this.#began) {
      if (call.op === OpCode.sync || call.op === OpCode.getData || call.sends === 0) continue
      this.#add(call.path, opOf(call, value, true), at, Number.POSITIVE_INFINITY)
    }
    this.#began.clear()
    for (const [path, history] of this.#histories) {
      const verdict = checkLinearizable(REGISTER, history)
      mark(`a register is ${verdict}`)
      if (verdict !== 'not linearizable') continue
      throw new Violation('linearizability', `${path}:\n${describe(history)}`)
    }
  }

  #onRead(call: SimCall): void {
    const sync = call.tag.behind
    if (sync === undefined || !this.#freshSyncs.has(sync) || call.failure !== null) return
    // In a later life of the client the read may be answered by a server that is behind.
    if (call.zxid < sync.zxid) return
    const beganAt = (this.#began.get(sync) as Begun).at
    if (call.error === ErrorCode.NoNode) {
      this.#add(call.path, { kind: 'read', outcome: 'missing' }, beganAt, ++this.#time)
    } else if (call.error === ErrorCode.Ok) {
      const outcome = {
        value: textOf(call.value?.data ?? null),
        version: call.value?.stat?.version ?? 0,
      }
      this.#add(call.path, { kind: 'read', outcome }, beganAt, ++this.#time)
    }
  }

  #onWrite(call: SimCall, { at, value }: Begun): void {
    // Never sent: it has not happened.
    if (call.sends === 0) return
    const { path } = call
    if (call.failure !== null || call.sends > 1 || !JUDGED.has(call.error)) {
      for (let sends = 0; sends < call.sends; sends++) {
        this.#add(path, opOf(call, value, true), at, Number.POSITIVE_INFINITY)
      }
      return
    }
    this.#add(path, opOf(call, value, false), at, ++this.#time)
  }

  #add(path: string, op: RegisterOp, beganAt: number, endedAt: number): void {
    this.#count++
    const operation = { op, beganAt, endedAt }
    const known = this.#histories.get(path)
    if (known === undefined) this.#histories.set(path, [operation])
    else known.push(operation)
  }
}

interface Begun {
  readonly at: number
  readonly value: string
}

const JUDGED: ReadonlySet<number> = new Set([
  ErrorCode.Ok,
  ErrorCode.NodeExists,
  ErrorCode.NoNode,
  ErrorCode.BadVersion,
])

function opOf(call: SimCall, value: string, isUnknown: boolean): RegisterOp {
  const { error } = call
  const expected = call.version
  const refusal = error === ErrorCode.BadVersion ? 'bad version' : 'missing'
  switch (call.op) {
    case OpCode.create: {
      const outcome = error === ErrorCode.Ok ? 'ok' : 'exists'
      return { kind: 'create', value, outcome: isUnknown ? 'unknown' : outcome }
    }
    case OpCode.delete: {
      const outcome = error === ErrorCode.Ok ? 'ok' : refusal
      return { kind: 'delete', expected, outcome: isUnknown ? 'unknown' : outcome }
    }
    default: {
      const version = call.value?.stat?.version ?? 0
      const outcome = error === ErrorCode.Ok ? { version } : refusal
      return { kind: 'set', value, expected, outcome: isUnknown ? 'unknown' : outcome }
    }
  }
}

/** The first bytes tell values apart. */
const textOf = (data: Uint8Array | null): string =>
  data === null ? 'null' : decodeUtf8(data, 0, Math.min(data.length, 24))

const describe = (history: History): string =>
  [...history]
    .sort((a, b) => a.beganAt - b.beganAt)
    .map(({ op, beganAt, endedAt }) => `  ${beganAt} to ${endedAt}: ${canonical(op)}`)
    .join('\n')

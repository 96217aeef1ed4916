// What a load consists of, as bytes that a player repeats without understanding them: frames for the
// start, a cycle of requests for each connection, frames for the end. Both players, `player.c` and
// `player.ts`, read the same plans, so a load is described once.
//
//   mode i32 | connections i32 | depth i32 | warmMs i32 | measureMs i32 | operationsMax i32
//   handshake FRAMES | setup FRAMES | count i32, that many cycles FRAMES | teardown FRAMES
//   FRAMES = count i32, then each frame with its length in front, as it goes over the wire

import { ZXID_ZERO } from '../src/base/zxid.ts'
import { JuteWriter } from '../src/core/jute/writer.ts'
import { WORLD_ALL, aclList } from '../src/core/records/acl.ts'
import { writeConnectRequest } from '../src/core/records/connect.ts'
import { MULTI_END, multiHeader } from '../src/core/records/multi.ts'
import { CreateMode, OpCode } from '../src/core/records/opcodes.ts'

export const PlanMode = { cycle: 0, watch: 1, connect: 2 } as const

export interface Plan {
  readonly mode: (typeof PlanMode)[keyof typeof PlanMode]
  readonly connections: number
  /** Requests in flight on each connection. */
  readonly depth: number
  readonly warmMs: number
  readonly measureMs: number
  /** Stops after so many operations; 0 for none but the time. */
  readonly operationsMax: number
  readonly setup: readonly Uint8Array[]
  /** One for each connection, or fewer, dealt in turn. */
  readonly cycles: readonly (readonly Uint8Array[])[]
  readonly teardown: readonly Uint8Array[]
}

export function encodePlan(plan: Plan): Uint8Array {
  const out = new JuteWriter(1 << 20)
  const { mode, connections, depth, warmMs, measureMs, operationsMax } = plan
  for (const value of [mode, connections, depth, warmMs, measureMs, operationsMax]) out.int(value)
  writeFrames(out, [handshake()])
  writeFrames(out, plan.setup)
  out.int(plan.cycles.length)
  for (const cycle of plan.cycles) writeFrames(out, cycle)
  writeFrames(out, plan.teardown)
  return out.view()
}

export const create = (
  path: string,
  data: Uint8Array,
  mode: CreateMode = CreateMode.persistent,
): Uint8Array =>
  request(OpCode.create, (out) => {
    out.ustring(path)
    out.buffer(data)
    aclList.write(out, WORLD_ALL)
    out.int(mode)
  })

export const remove = (path: string): Uint8Array =>
  request(OpCode.delete, (out) => {
    out.ustring(path)
    out.int(-1)
  })

export const get = (path: string): Uint8Array => read(OpCode.getData, path, false)

export const watchExists = (path: string): Uint8Array => read(OpCode.exists, path, true)

export const set = (path: string, data: Uint8Array): Uint8Array =>
  request(OpCode.setData, (out) => writeSet(out, path, data))

/** One setData for each path, all or none. */
export const setAll = (paths: readonly string[], data: Uint8Array): Uint8Array =>
  request(OpCode.multi, (out) => {
    for (const path of paths) {
      multiHeader.write(out, { type: OpCode.setData, done: false, err: -1 })
      writeSet(out, path, data)
    }
    multiHeader.write(out, MULTI_END)
  })

export const closeSession = (): Uint8Array => request(OpCode.closeSession, () => {})

const read = (op: number, path: string, watch: boolean): Uint8Array =>
  request(op, (out) => {
    out.ustring(path)
    out.bool(watch)
  })

function writeSet(out: JuteWriter, path: string, data: Uint8Array): void {
  out.ustring(path)
  out.buffer(data)
  out.int(-1)
}

export const handshake = (): Uint8Array =>
  frame((out) => {
    writeConnectRequest(out, {
      protocolVersion: 0,
      lastZxidSeen: ZXID_ZERO,
      timeOut: 40_000,
      sessionId: 0n,
      passwd: new Uint8Array(16),
      readOnly: false,
    })
  })

/** The xid is the player's to fill in. */
const request = (op: number, body: (out: JuteWriter) => void): Uint8Array =>
  frame((out) => {
    out.int(0)
    out.int(op)
    body(out)
  })

function frame(write: (out: JuteWriter) => void): Uint8Array {
  const out = new JuteWriter(256)
  out.int(0)
  write(out)
  out.intAt(0, out.position - 4)
  return out.copy()
}

function writeFrames(out: JuteWriter, frames: readonly Uint8Array[]): void {
  out.int(frames.length)
  for (const each of frames) out.raw(each, 0, each.length)
}

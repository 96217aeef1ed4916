// From a public method to a call of the session machine and back to a promise: the paths with and
// without chroot, the deadline, the caller's signal, and the one promise of the journey. It knows
// no particular operation.

import { pathProblem } from '../base/path.ts'
import type { OpCode } from '../core/records/opcodes.ts'
import { Call } from '../core/session-client/call.ts'
import { toServerPath } from '../core/session-client/chroot.ts'
import type { CallOwner, ClientCall, Driver } from './driver.ts'
import { errorOfCall } from './error-of-call.ts'
import { AbortError, PathError, type ZkError } from './errors.ts'
import type { Janitor } from './janitor.ts'
import type { OperationOptions } from './options.ts'

/** Through which eyes a user sees the tree: views of one client share its session. */
export interface View {
  readonly driver: Driver
  /** '' for none. */
  readonly chroot: string
  readonly operationTimeoutMs: number
  readonly janitor: Janitor
}

/** Makes of an answered call what the caller gets. */
export type Convert<T> = (call: ClientCall, view: View) => T

export class Request<T> implements CallOwner {
  /** Fill in what the operation needs before {@link send}. */
  readonly call: ClientCall
  /** What is wrong with the request; it is not sent then. */
  problem: ZkError | null = null

  readonly #view: View
  readonly #path: string
  readonly #convert: Convert<T>
  readonly #signal: AbortSignal | undefined
  readonly #calledAt: Error | null
  #resolve: ((value: T) => void) | null = null
  #reject: ((error: unknown) => void) | null = null
  #onAbort: (() => void) | null = null

  constructor(
    view: View,
    op: OpCode,
    path: string,
    options: OperationOptions | undefined,
    convert: Convert<T>,
  ) {
    this.#view = view
    this.#path = path
    this.#convert = convert
    this.#signal = options?.signal
    this.#calledAt = view.driver.options.captureStacks ? new Error('called') : null
    const call: ClientCall = new Call(op, toServerPath(view.chroot, path), this)
    const timeoutMs = options?.timeout ?? view.operationTimeoutMs
    if (timeoutMs !== Number.POSITIVE_INFINITY) call.deadlineMs = view.driver.nowMs() + timeoutMs
    if (options?.idempotent === true) call.resend = true
    if (options?.boundTo !== undefined) call.anySession = options.boundTo === 'any'
    this.call = call
  }

  /** As {@link Request}'s constructor, with the path examined. */
  static on<T>(
    view: View,
    op: OpCode,
    path: string,
    options: OperationOptions | undefined,
    convert: Convert<T>,
  ): Request<T> {
    const request = new Request(view, op, path, options, convert)
    const problem = pathProblem(path)
    if (problem !== null) request.problem = new PathError(path, problem)
    return request
  }

  send(): Promise<T> {
    return this.sendBy((driver, call) => driver.submit(call))
  }

  sendBy(submit: (driver: Driver, call: ClientCall) => void): Promise<T> {
    if (this.problem !== null) return Promise.reject(this.problem)
    const signal = this.#signal
    if (signal?.aborted === true) return Promise.reject(abortError(this.#path, signal.reason))
    return new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      if (signal !== undefined) {
        this.#onAbort = () => this.#view.driver.abandon(this.call, 'aborted by the caller')
        signal.addEventListener('abort', this.#onAbort)
      }
      submit(this.#view.driver, this.call)
    })
  }

  settled(call: ClientCall): void {
    if (this.#onAbort !== null) this.#signal?.removeEventListener('abort', this.#onAbort)
    if (call.succeeded) {
      try {
        this.#resolve?.(this.#convert(call, this.#view))
      } catch (error) {
        this.#reject?.(error)
      }
    } else {
      this.#reject?.(this.#errorOf(call))
    }
  }

  #errorOf(call: ClientCall): ZkError {
    const { driver } = this.#view
    const error = errorOfCall(call, {
      path: this.#path,
      sessionId: driver.sessionId,
      server: driver.server,
      abortReason: this.#signal?.reason,
    })
    const frames = this.#calledAt?.stack?.split('\n').slice(1).join('\n')
    if (frames !== undefined) error.stack = `${error.name}: ${error.message}\n${frames}`
    return error
  }
}

export function abortError(what: string, reason: unknown): AbortError {
  return new AbortError(`${what}: aborted by the caller`, { code: 'ABORT_ERR', cause: reason })
}

// Broken invariants stop the process: these checks stay on in production. They are for mistakes
// in our own code only; what a peer sends wrong is answered with a protocol error instead.

export class InvariantError extends Error {
  override readonly name: string = 'InvariantError'
}

/** Throws {@link InvariantError} unless `ok`. A function as `why` costs nothing until it fires. */
export function assert(ok: boolean, why: string | (() => string)): asserts ok {
  if (!ok) throw new InvariantError(typeof why === 'string' ? why : why())
}

/** Returns `value`, which the caller knows to be present. */
export function must<T>(value: T | null | undefined, why: string | (() => string)): T {
  if (value === null || value === undefined) {
    throw new InvariantError(typeof why === 'string' ? why : why())
  }
  return value
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${String(value)}`)
}

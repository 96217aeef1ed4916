// Options objects as plain JavaScript hands them over: a key that nobody knows is a slip of the pen,
// and left alone it would mean a default that its author never chose.

import { BadOptionsError } from './errors.ts'

/** Every key of `T`, once. */
export type KnownOptions<T> = Readonly<Record<keyof T, true>>

/** Throws {@link BadOptionsError} for a key of `options` that is not among `known`. */
export function requireKnown<T extends object>(
  of: string,
  options: T,
  known: KnownOptions<T>,
): void {
  if (typeof options !== 'object' || options === null) {
    throw new BadOptionsError(`the options of ${of} are an object, not ${String(options)}`)
  }
  const strange = Object.keys(options).find((key) => !Object.hasOwn(known, key))
  if (strange === undefined) return
  const names = Object.keys(known).join(', ')
  throw new BadOptionsError(`${of} has no option ${JSON.stringify(strange)}; it has ${names}`)
}

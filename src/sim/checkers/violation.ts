// How a checker says that a promise was broken, and the one way in which checkers compare values.

import { equalBytes } from '../../base/text.ts'

/** A promise of the service was broken: the run is wrong, whatever else it did. */
export class Violation extends Error {
  override readonly name: string = 'Violation'
  readonly checker: string

  constructor(checker: string, message: string) {
    super(`${checker}: ${message}`)
    this.checker = checker
  }
}

/** Whether two values have the same {@link canonical} text, without writing it. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (a === null || a === undefined) return b === null || b === undefined
  if (b === null || b === undefined) return false
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalBytes(a, b)
  if (typeof a !== 'object' || typeof b !== 'object') return canonical(a) === canonical(b)
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    return a.every((one, at) => isSame(one, b[at]))
  }
  if (Array.isArray(b) || b instanceof Uint8Array) return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  return names.every((name) => name in right && isSame(left[name], right[name]))
}

/** A value as text, the same for equal values: fields sorted, bytes in hexadecimal. */
export function canonical(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (value instanceof Uint8Array) {
    let text = ''
    for (const byte of value) text += byte.toString(16).padStart(2, '0')
    return `<${text}>`
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(', ')}]`
  if (typeof value === 'object') {
    const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${fields.map(([name, field]) => `${name}: ${canonical(field)}`).join(', ')}}`
  }
  return typeof value === 'string' ? JSON.stringify(value) : `${value as number | bigint | boolean}`
}

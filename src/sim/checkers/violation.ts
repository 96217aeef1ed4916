// How a checker says that a promise was broken, and the one way in which checkers compare values.

/** A promise of the service was broken: the run is wrong, whatever else it did. */
export class Violation extends Error {
  override readonly name: string = 'Violation'
  readonly checker: string

  constructor(checker: string, message: string) {
    super(`${checker}: ${message}`)
    this.checker = checker
  }
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

// Reads the text of a configuration file as Java's `Properties.load` does, because that is what
// `zoo.cfg` has always been. Each entry keeps the line it began on. Knows no key and no meaning.

export interface Property {
  readonly key: string
  readonly value: string
  /** Counted from 1; where an entry is continued, its first line. */
  readonly line: number
}

export class PropertiesError extends Error {
  override readonly name: string = 'PropertiesError'
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** All entries in the order of the file; of a repeated key the caller takes the last. */
export function parseProperties(text: string): readonly Property[] {
  const properties: Property[] = []
  const lines = text.split(/\r\n|\r|\n/)
  let index = 0
  while (index < lines.length) {
    const line = index + 1
    let logical = withoutLeadingBlanks(lines[index++] ?? '')
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue
    while (isContinued(logical)) {
      logical = logical.slice(0, -1) + withoutLeadingBlanks(lines[index] ?? '')
      if (index >= lines.length) break
      index++
    }
    properties.push(splitEntry(logical, line))
  }
  return properties
}

/** A line goes on where it ends in an odd number of backslashes. */
function isContinued(line: string): boolean {
  let backslashes = 0
  while (line[line.length - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

/** The key ends at the first `=`, `:` or blank that no backslash protects. */
function splitEntry(line: string, lineNumber: number): Property {
  let keyEnd = 0
  while (keyEnd < line.length && !/[=: \t\f]/.test(line[keyEnd] ?? '')) {
    keyEnd += line[keyEnd] === '\\' ? 2 : 1
  }
  let valueStart = keyEnd
  while (/[ \t\f]/.test(line[valueStart] ?? '')) valueStart++
  if (/[=:]/.test(line[valueStart] ?? '')) valueStart++
  while (/[ \t\f]/.test(line[valueStart] ?? '')) valueStart++
  return {
    key: trimmed(unescaped(line.slice(0, keyEnd), lineNumber)),
    value: trimmed(unescaped(line.slice(valueStart), lineNumber)),
    line: lineNumber,
  }
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(text: string, line: number): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(u[0-9a-fA-F]{4}|u|.|$)/gs, (_, escaped: string) => {
    if (escaped === 'u') {
      throw new PropertiesError(
        line,
        'Malformed \\uxxxx encoding: four hexadecimal digits follow \\u',
      )
    }
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return escapes[escaped] ?? escaped
  })
}

function withoutLeadingBlanks(line: string): string {
  return line.replace(/^[ \t\f]+/, '')
}

/** ZooKeeper trims what `Properties` leaves; Java's `trim` takes everything up to the blank. */
function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 0x20) start++
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--
  return text.slice(start, end)
}

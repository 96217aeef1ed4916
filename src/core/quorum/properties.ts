// Keys and values as Java's properties files have them, as far as configurations use them: comments,
// any of = : and blanks between key and value, a backslash before a character that is meant itself,
// and one at the end of a line that goes on. It knows nothing of what the keys mean.

export interface Property {
  readonly key: string
  readonly value: string
  /** As it stood there, for messages. */
  readonly line: string
}

/** In the order in which they stand there, a key as often as it is given. */
export function readProperties(text: string): Property[] {
  const properties: Property[] = []
  let begun = ''
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = raw.trimStart()
    if (begun === '' && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    if (goesOn(line)) {
      begun += line.slice(0, -1)
      continue
    }
    properties.push(readProperty(begun + line))
    begun = ''
  }
  if (begun !== '') properties.push(readProperty(begun))
  return properties
}

/** An odd number of backslashes at the end: the last one is not itself meant. */
const goesOn = (line: string): boolean => (/\\+$/.exec(line)?.[0].length ?? 0) % 2 === 1

function readProperty(line: string): Property {
  const parts = /^((?:\\.|[^\\=:\s])*)\s*(?:[=:]\s*)?(.*)$/s.exec(line)
  return { key: unescape(parts?.[1] ?? line), value: unescape(parts?.[2] ?? '').trim(), line }
}

const unescape = (text: string): string => text.replace(/\\(.)/gs, '$1')

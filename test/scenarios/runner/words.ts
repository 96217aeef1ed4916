// A command line of a scenario as words: quoting, named arguments, lists between semicolons. It
// knows how a line is cut up, and nothing of what the words mean.

/** One word; `"…"` is a JSON string, so that any character can be written. */
export interface Word {
  readonly text: string
  /** False for the bare word `null`, and for what else is written without quotes. */
  readonly isQuoted: boolean
}

/** The arguments of one command. Everything must be taken: a word nobody asked for is a mistake. */
export class Arguments {
  readonly #positional: Word[] = []
  readonly #named: { readonly name: string; readonly value: Word }[] = []

  constructor(words: readonly Word[]) {
    for (const word of words) {
      const match = word.isQuoted ? null : NAMED.exec(word.text)
      if (match === null) this.#positional.push(word)
      else this.#named.push({ name: match[1]!, value: namedValue(word.text, match[0].length) })
    }
  }

  get isEmpty(): boolean {
    return this.#positional.length === 0
  }

  /** The next positional word; the bare word `null` is null. */
  next(what: string): string | null {
    const word = this.#positional.shift()
    if (word === undefined) throw new Error(`${what} is missing`)
    return valueOf(word)
  }

  nextText(what: string): string {
    const text = this.next(what)
    if (text === null) throw new Error(`${what} may not be null`)
    return text
  }

  /** Takes a bare word that may stand anywhere, such as `watch`. */
  has(flag: string): boolean {
    const at = this.#positional.findIndex((word) => !word.isQuoted && word.text === flag)
    if (at < 0) return false
    this.#positional.splice(at, 1)
    return true
  }

  /** All values given under a name, in order. */
  all(name: string): readonly (string | null)[] {
    const values: (string | null)[] = []
    for (let at = 0; at < this.#named.length; ) {
      const entry = this.#named[at]!
      if (entry.name !== name) at++
      else {
        values.push(valueOf(entry.value))
        this.#named.splice(at, 1)
      }
    }
    return values
  }

  /** The value given under a name; undefined where there is none. */
  named(name: string): string | null | undefined {
    const values = this.all(name)
    if (values.length > 1) throw new Error(`${name}= is given twice`)
    return values[0]
  }

  integer(name: string, otherwise: number): number {
    const text = this.named(name)
    if (text === undefined) return otherwise
    return toInteger(text ?? 'null', `${name}=`)
  }

  /** Every name that is left, with its value. */
  rest(): ReadonlyMap<string, string> {
    const rest = new Map(this.#named.map(({ name, value }) => [name, value.text]))
    this.#named.length = 0
    return rest
  }

  done(): void {
    const left = [
      ...this.#positional.map((word) => word.text),
      ...this.#named.map(({ name }) => `${name}=`),
    ]
    if (left.length > 0) throw new Error(`not understood: ${left.join(' ')}`)
  }
}

export function splitWords(line: string): readonly Word[] {
  const words: Word[] = []
  let text = ''
  let isQuoted = false
  let isInWord = false
  for (let at = 0; at < line.length; ) {
    const character = line[at]!
    if (character === '"') {
      const end = endOfQuoted(line, at)
      // Inside a named value the quotes stay, to be read when the name has been split off.
      if (text === '') {
        text = JSON.parse(line.slice(at, end)) as string
        isQuoted = true
      } else {
        text += line.slice(at, end)
      }
      isInWord = true
      at = end
    } else {
      at++
      if (character === ' ') {
        if (isInWord) words.push({ text, isQuoted })
        text = ''
        isQuoted = false
        isInWord = false
      } else {
        text += character
        isInWord = true
      }
    }
  }
  if (isInWord) words.push({ text, isQuoted })
  return words
}

/** Cuts at each bare `;`. */
export function splitLists(words: readonly Word[]): readonly (readonly Word[])[] {
  const lists: Word[][] = [[]]
  for (const word of words) {
    if (!word.isQuoted && word.text === ';') lists.push([])
    else lists[lists.length - 1]!.push(word)
  }
  return lists.filter((list) => list.length > 0)
}

export function toInteger(text: string, what: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error(`${what} is not a whole number: ${text}`)
  return value
}

const NAMED = /^([A-Za-z][\w.]*)=/

function namedValue(text: string, start: number): Word {
  const value = text.slice(start)
  return value.startsWith('"')
    ? { text: JSON.parse(value) as string, isQuoted: true }
    : { text: value, isQuoted: false }
}

function valueOf(word: Word): string | null {
  return !word.isQuoted && word.text === 'null' ? null : word.text
}

function endOfQuoted(line: string, start: number): number {
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === '\\') at++
    else if (line[at] === '"') return at + 1
  }
  throw new Error('a quote is not closed')
}

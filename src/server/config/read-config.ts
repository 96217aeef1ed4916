// From the text of a configuration file to the values of its keys: which record each line belongs
// to, what it says, what is wrong with it. All problems are collected, so that one start shows them
// all. Opens nothing; what the values mean together is in `config.ts`.

import { closestName, findKey } from './all-keys.ts'
import type { ConfigKey } from './key.ts'
import { type Property, PropertiesError, parseProperties } from './properties.ts'

/** What a person should know about the configuration although it is valid. */
export interface Remark {
  readonly level: 'info' | 'warn'
  readonly message: string
}

export interface ConfigSource {
  /** How messages name the file. */
  readonly name: string
  readonly text: string
  /** `-Dname=value` on the command line; the file wins, as it does in ZooKeeper. */
  readonly properties?: ReadonlyMap<string, string>
  /** Where the text stands, for a server that may rewrite it when its ensemble changes. */
  readonly file?: string
  /** The files that a configuration leads to: `myid`, lists of members. Those on disk by default. */
  readonly files?: ConfigFiles
}

export interface ConfigFiles {
  /** The whole text, null where there is no such file; throws where it cannot be read. */
  read(path: string): string | null
}

/** The values of one configuration. */
export class ConfigValues {
  readonly problems: string[] = []
  readonly remarks: Remark[] = []
  readonly #entries = new Map<string, Entry>()
  readonly #values = new Map<ConfigKey, unknown>()
  readonly #files: ConfigFiles

  constructor(source: ConfigSource, files: ConfigFiles) {
    this.#files = files
    for (const entry of this.#collect(source)) this.#accept(entry)
    this.#remarkOnGroups()
  }

  /** The value of a key, or its default. */
  of<T>(key: ConfigKey<T>): T {
    return this.#values.has(key) ? (this.#values.get(key) as T) : key.default
  }

  isSet(key: ConfigKey): boolean {
    return this.#values.has(key)
  }

  /** What stands under the names of a family. */
  family(key: ConfigKey): readonly ConfigLine[] {
    return [...this.#entries.values()].filter((entry) => entry.key === key)
  }

  /** The text of a file that the configuration leads to; null where there is none, or no reading it. */
  readFile(path: string, problemWhereMissing: string | null): string | null {
    try {
      const text = this.#files.read(path)
      if (text === null && problemWhereMissing !== null) this.problems.push(problemWhereMissing)
      return text
    } catch (error) {
      this.problems.push(`Error processing ${path}: ${(error as Error).message}`)
      return null
    }
  }

  /** `zoo.cfg line 4: tickTime=0`, for a message about a key that was set. */
  where(key: ConfigKey): string {
    for (const entry of this.#entries.values()) {
      if (entry.key === key) return placeOf(entry)
    }
    return key.name
  }

  /** This server is a member of an ensemble: it says what it does not do of what others do there. */
  remarkOnEnsemble(): void {
    for (const entry of this.#entries.values()) {
      if (entry.key === null || !this.#values.has(entry.key)) continue
      if (!this.#asksForSomething(entry)) continue
      if (entry.key.support === 'ensemble-refused') {
        this.problems.push(refusalOf(entry))
      } else if (entry.key.support === 'ensemble-later') {
        this.#warn(`${placeOf(entry)}: accepted, but it has no effect yet`)
      }
    }
  }

  #collect(source: ConfigSource): readonly Entry[] {
    const found = new Map<string, Entry>()
    for (const [name, text] of source.properties ?? []) {
      const entry = this.#identify(name, text, `-D${name}`)
      found.set(entry.name, entry)
    }
    for (const { key, value, line } of this.#parse(source)) {
      const entry = this.#identify(key, value, `${source.name} line ${line}`)
      found.set(entry.name, entry)
    }
    return [...found.values()]
  }

  #parse(source: ConfigSource): readonly Property[] {
    try {
      return parseProperties(source.text)
    } catch (error) {
      if (!(error instanceof PropertiesError)) throw error
      this.problems.push(`${source.name} line ${error.line}: ${error.message}`)
      return []
    }
  }

  /** In a file, the prefix of the system properties is superfluous; people write it all the same. */
  #identify(written: string, text: string, place: string): Entry {
    const prefix = 'zookeeper.'
    const name = written.startsWith(prefix) ? written.slice(prefix.length) : written
    const key = findKey(name)
    if (key === null) return { name: written, key, text, place }
    return { name: key.family ? name : key.name, key, text, place }
  }

  #accept(entry: Entry): void {
    const { key } = entry
    this.#entries.set(entry.name, entry)
    if (key === null) {
      const close = closestName(entry.name)
      const hint = close === null ? '' : `; did you mean "${close}"?`
      this.#warn(`${entry.place}: unknown key "${entry.name}" is ignored${hint}`)
      return
    }
    const result = key.parse(entry.text)
    if (!result.ok) {
      this.problems.push(`${placeOf(entry)}: ${result.problem}`)
      return
    }
    if (result.remark !== null) this.#warn(`${placeOf(entry)}: ${result.remark}`)
    this.#values.set(key, result.value)
    if (result.value === key.default) return
    if (key.support === 'refused') {
      this.problems.push(refusalOf(entry))
    } else if (key.support === 'later' && groupOf(entry.name) === null) {
      this.#warn(`${placeOf(entry)}: accepted, but it has no effect yet`)
    }
  }

  /** The HTTP servers have many keys, and one sentence about each server is enough. */
  #remarkOnGroups(): void {
    for (const [group, what] of groups) {
      const members = [...this.#entries.values()].filter(
        (entry) => groupOf(entry.name) === group && this.#asksForSomething(entry),
      )
      const [first] = members
      if (first === undefined) continue
      const rest = members.length === 1 ? '' : ` and ${members.length - 1} more ${group}* keys`
      this.#warn(`${first.place}: ${first.name}${rest} accepted, but ${what} comes later`)
    }
  }

  #asksForSomething(entry: Entry): boolean {
    return entry.key !== null && this.#values.get(entry.key) !== entry.key.default
  }

  #warn(message: string): void {
    this.remarks.push({ level: 'warn', message })
  }
}

/** One line, as messages about it need it. */
export interface ConfigLine {
  /** As the key is called; for a family, as it was written. */
  readonly name: string
  readonly text: string
  /** `zoo.cfg line 4`, or `-DsnapCount`. */
  readonly place: string
}

interface Entry extends ConfigLine {
  readonly key: ConfigKey | null
}

const refusalOf = (entry: ConfigLine): string =>
  `${placeOf(entry)}: not supported yet, and ignoring it would be unsafe; remove the line`

const groups: readonly (readonly [string, string])[] = [
  ['admin.', 'the HTTP admin server'],
  ['metricsProvider.', 'the metrics server'],
]

function groupOf(name: string): string | null {
  return groups.find(([group]) => name.startsWith(group))?.[0] ?? null
}

/** `zoo.cfg line 4: tickTime=0` */
export function placeOf(entry: ConfigLine): string {
  return `${entry.place}: ${entry.name}=${entry.text}`
}

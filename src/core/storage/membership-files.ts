// Where a server keeps who belongs to its ensemble, beside its configuration file FILE (ZooKeeper
// 3.9 `QuorumPeer.setQuorumVerifier`, `QuorumPeerConfig`):
//
//   FILE                      what never changes, and `dynamicConfigFile`, which names
//   FILE.dynamic.<version>    what was decided, under its version in hexadecimal; old ones stay
//   FILE.dynamic.next         what is proposed and not decided, with its version
//   FILE.bak                  FILE as a person wrote it
//
// The files are written in such an order that after a crash FILE names one that is whole. What the
// lines mean is not known here.

import { decodeUtf8, encodeUtf8 } from '../../base/text.ts'
import type { Disk, Done } from '../../ports/disk.ts'
import { FileReplacer, directoryOf } from './replace-file.ts'

/** A membership as text: lines, one of them perhaps `version=…`. */
export interface MembershipText {
  readonly version: number
  readonly text: string
}

export class MembershipFiles {
  readonly #disk: Disk
  readonly #configPath: string
  readonly #files: FileReplacer
  #proposedVersion: number | null = null

  /** `configPath` is absolute, with forward slashes. */
  constructor(disk: Disk, configPath: string) {
    this.#disk = disk
    this.#configPath = configPath
    this.#files = new FileReplacer(disk)
  }

  /** Keeps a copy of the configuration as it is. Blocks. */
  backUp(): void {
    this.#disk.replace(`${this.#configPath}.bak`, encodeUtf8(this.#read(this.#configPath)))
  }

  /**
   * What was proposed and not decided when this server ended; null for nothing. From here on all
   * files are certain as they are, even if the process before died on the way. Blocks.
   */
  readProposed(): string | null {
    this.#disk.settleNames(directoryOf(this.#configPath))
    if (this.#disk.size(this.#nextPath) === null) return null
    const text = this.#read(this.#nextPath)
    const version = /^version=([0-9a-f]+)$/im.exec(text)?.[1]
    this.#proposedVersion = version === undefined ? 0 : Number.parseInt(version, 16)
    return text
  }

  /** `done` when the proposal survives a crash. */
  propose(proposed: MembershipText, done: Done): void {
    this.#proposedVersion = proposed.version
    this.#files.replace(this.#nextPath, encodeUtf8(proposedContent(proposed)), done)
  }

  /**
   * `done` when a start would begin with this membership. A proposal of the same version is
   * forgotten. `hasClientAddress` says that this server's own line tells where its clients come in.
   */
  decide(decided: MembershipText, hasClientAddress: boolean, done: Done): void {
    const path = dynamicPath(this.#configPath, decided.version)
    const then =
      (next: () => void): Done =>
      (error) => {
        if (error !== null) done(error)
        else next()
      }
    const forget = (): void => {
      if (this.#proposedVersion === decided.version) this.forgetProposed(done)
      else done(null)
    }
    const pointToIt = (): void => {
      const content = staticContent(this.#read(this.#configPath), path, hasClientAddress)
      this.#files.replace(this.#configPath, encodeUtf8(content), then(forget))
    }
    this.#files.replace(path, encodeUtf8(dynamicContent(decided)), then(pointToIt))
  }

  /** `done` when no start will find the proposal. */
  forgetProposed(done: Done): void {
    this.#proposedVersion = null
    this.#files.remove(this.#nextPath, done)
  }

  get #nextPath(): string {
    return `${this.#configPath}.dynamic.next`
  }

  #read(path: string): string {
    return decodeUtf8(this.#disk.read(path, 0, this.#disk.size(path) ?? 0))
  }
}

export const dynamicPath = (configPath: string, version: number): string =>
  `${configPath}.dynamic.${version.toString(16)}`

/** The version is in the name. */
export const dynamicContent = (membership: MembershipText): string =>
  linesOf(membership).sort(byCodeUnit).join('\n')

export const proposedContent = (membership: MembershipText): string =>
  [...linesOf(membership), `version=${membership.version.toString(16)}`].sort(byCodeUnit).join('\n')

/**
 * A configuration file that leaves the membership to another one. Everything else, comments
 * included, stays as it was written.
 */
export function staticContent(
  text: string,
  dynamicConfigPath: string,
  hasClientAddress: boolean,
): string {
  const kept = entriesOf(text).filter(({ key }) => {
    if (key === null) return true
    if (hasClientAddress && key.startsWith('clientPort')) return false
    return !ELSEWHERE.some((prefix) => key.startsWith(prefix))
  })
  const lines = kept.map((entry) => entry.text)
  while (lines.at(-1) === '') lines.pop()
  return `${[...lines, `dynamicConfigFile=${dynamicConfigPath}`].join('\n')}\n`
}

function linesOf({ text }: MembershipText): string[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('version='))
}

interface Entry {
  /** One line, or several where it is continued. */
  readonly text: string
  /** Null for comments and empty lines. */
  readonly key: string | null
}

/** As Java's `Properties`: a line goes on where it ends in an odd number of backslashes. */
function entriesOf(text: string): Entry[] {
  const lines = text.split(/\r\n|\r|\n/)
  const entries: Entry[] = []
  for (let i = 0; i < lines.length; i++) {
    const first = lines[i] as string
    if (/^[ \t\f]*([#!]|$)/.test(first)) {
      entries.push({ text: first, key: null })
      continue
    }
    const from = i
    while (/(?<!\\)(\\\\)*\\$/.test(lines[i] as string) && i + 1 < lines.length) i++
    const key = /^[ \t\f]*([^=: \t\f]*)/.exec(first)?.[1] ?? ''
    entries.push({ text: lines.slice(from, i + 1).join('\n'), key })
  }
  return entries
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const ELSEWHERE = ['server.', 'group', 'weight', 'peerType', 'dynamicConfigFile']

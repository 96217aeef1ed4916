// What somebody at a terminal sees of a development ensemble: a table that is drawn anew where the
// old one stood, or, where nobody looks, a line for each change. Text only: who writes it, and when,
// is not known here.

import { formatZxid } from '../base/zxid.ts'
import type { Zxid } from '../base/zxid.ts'

export interface MemberFacts {
  readonly id: number
  readonly port: number
  readonly role: 'leader' | 'follower' | 'observer' | 'read-only' | 'looking' | 'ended'
  readonly leaderId: number | null
  readonly epoch: number
  readonly zxid: Zxid
  readonly connectionCount: number
  /** Why it has ended by itself. */
  readonly failure: string | null
}

export interface ViewOptions {
  readonly version: string
  readonly directory: string
  readonly isTerminal: boolean
}

export class EnsembleView {
  readonly #options: ViewOptions
  /** What stands on the terminal, or what was said of each server last. */
  #table = ''
  readonly #said = new Map<number, string>()

  constructor(options: ViewOptions) {
    this.#options = options
  }

  opening(members: readonly MemberFacts[]): string {
    const { version, directory } = this.#options
    const target = members.map(({ port }) => `127.0.0.1:${port}`).join(',')
    const count = members.length === 1 ? 'one server' : `${members.length} servers`
    return (
      `Zabra ${version}: an ensemble of ${count} in this process, for development\n` +
      `  connect to:  ${target}\n` +
      `  data, logs:  ${directory}/N, for each server\n` +
      '  stop it:     Ctrl+C\n\n'
    )
  }

  /** What is to be written now; nothing where nothing has changed. */
  update(members: readonly MemberFacts[]): string {
    return this.#options.isTerminal ? this.#redraw(members) : this.#changes(members)
  }

  #redraw(members: readonly MemberFacts[]): string {
    const table = tableOf(members)
    if (table === this.#table) return ''
    const drawnCount = this.#table.split('\n').length - 1
    this.#table = table
    return drawnCount === 0 ? table : `\x1b[${drawnCount}A\x1b[0J${table}`
  }

  #changes(members: readonly MemberFacts[]): string {
    return members
      .filter((member) => {
        const { id, role, leaderId, epoch, connectionCount, failure } = member
        const facts = [role, leaderId, epoch, connectionCount, failure].join()
        const isNews = this.#said.get(id) !== facts
        this.#said.set(id, facts)
        return isNews
      })
      .map(lineOf)
      .join('')
  }
}

function lineOf(member: MemberFacts): string {
  const { id, role, leaderId, epoch, zxid, connectionCount, failure } = member
  if (failure !== null) return `server ${id}: ended: ${failure}\n`
  const whom = role === 'follower' || role === 'observer' ? ` of server ${leaderId}` : ''
  const connections = `${connectionCount} connection${connectionCount === 1 ? '' : 's'}`
  return `server ${id}: ${role}${whom}, epoch ${epoch}, zxid ${formatZxid(zxid)}, ${connections}\n`
}

function tableOf(members: readonly MemberFacts[]): string {
  const rows = [
    ['server', 'port', 'role', 'epoch', 'zxid', 'connections'],
    ...members.map(({ id, port, role, epoch, zxid, connectionCount, failure }) =>
      failure !== null
        ? [String(id), String(port), `ended: ${failure}`]
        : [
            String(id),
            String(port),
            role === 'leader' ? 'LEADER' : role,
            String(epoch),
            formatZxid(zxid),
            String(connectionCount),
          ],
    ),
  ]
  return rows.map((cells) => `  ${padded(cells).join('  ').trimEnd()}\n`).join('')
}

const WIDTHS = [6, 5, 9, 5, 14, 11]

const padded = (cells: readonly string[]): string[] =>
  cells.map((cell, at) => cell.padEnd(WIDTHS[at] ?? 0))

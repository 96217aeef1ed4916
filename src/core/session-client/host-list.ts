// The servers that a client may use: how they are written down, and in which order they are tried.

import { Ring } from '../../base/ring.ts'
import { chrootOf, chrootProblem } from './chroot.ts'

export interface HostPort {
  readonly host: string
  readonly port: number
}

export const DEFAULT_PORT = 2181

export interface ConnectionString {
  readonly hosts: readonly HostPort[]
  /** '' for none. */
  readonly chroot: string
}

/** The connection string is wrong; the message names every bad part at once. */
export class ConnectionStringError extends Error {
  override readonly name: string = 'ConnectionStringError'
}

/** Reads `host[:port][,host[:port]...][/chroot]`; an IPv6 address stands in brackets. */
export function parseConnectionString(text: string): ConnectionString {
  const slash = text.indexOf('/')
  const hostsText = slash < 0 ? text : text.slice(0, slash)
  const chroot = slash < 0 ? '' : chrootOf(text.slice(slash))
  const problems: string[] = []
  const hosts: HostPort[] = []
  for (const part of hostsText.split(',')) {
    const result = parseHost(part.trim())
    if (typeof result === 'string') problems.push(result)
    else hosts.push(result)
  }
  const problem = chrootProblem(chroot)
  if (problem !== null) problems.push(`chroot "${chroot}": ${problem}`)
  if (problems.length > 0) {
    throw new ConnectionStringError(`connection string "${text}": ${problems.join('; ')}`)
  }
  return { hosts, chroot }
}

export const formatHost = ({ host, port }: HostPort): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** Picks whole numbers below a bound; a seeded generator will do. */
export interface Dice {
  below(bound: number): number
}

/** Goes round the hosts, in an order of its own unless told to keep the given one. */
export class HostRotation {
  readonly #order: Ring<HostPort> = new Ring()
  #triedSinceSuccess = 0

  constructor(hosts: readonly HostPort[], dice: Dice | null) {
    for (const host of dice === null ? hosts : shuffled(hosts, dice)) this.#order.push(host)
  }

  get length(): number {
    return this.#order.length
  }

  /** True when each host has been tried once more since the last success. */
  get wentRound(): boolean {
    return this.#triedSinceSuccess > 0 && this.#triedSinceSuccess % this.#order.length === 0
  }

  /** Whole rounds without success. */
  get rounds(): number {
    return Math.floor(this.#triedSinceSuccess / this.#order.length)
  }

  next(): HostPort {
    const host = this.#order.shift()
    this.#order.push(host)
    this.#triedSinceSuccess++
    return host
  }

  succeeded(): void {
    this.#triedSinceSuccess = 0
  }
}

function parseHost(text: string): HostPort | string {
  if (text === '') return 'an empty host'
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(text)
  const plain = /^([^:[\]\s]+)(?::(.*))?$/.exec(text)
  const match = bracketed ?? plain
  if (match === null) {
    return text.includes('[') || text.split(':').length < 3
      ? `host "${text}" cannot be read`
      : `host "${text}": write an IPv6 address in brackets, as [::1]:2181`
  }
  const host = match[1] as string
  const portText = match[2]
  if (portText === undefined) return { host, port: DEFAULT_PORT }
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  if (port < 1 || port > 65_535) return `host "${text}": the port must be within 1..65535`
  return { host, port }
}

function shuffled(hosts: readonly HostPort[], dice: Dice): HostPort[] {
  const list = [...hosts]
  for (let i = list.length - 1; i > 0; i--) {
    const j = dice.below(i + 1)
    const swapped = list[i] as HostPort
    list[i] = list[j] as HostPort
    list[j] = swapped
  }
  return list
}

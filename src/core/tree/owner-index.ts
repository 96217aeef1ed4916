// Which nodes belong to which session, which are containers, and which have a time to live: the
// few that somebody will come to remove. Owner fields that clients do not see are kept here.

import { OwnerKind, ownerKindOf, ttlMsOf } from './owner.ts'
import type { OwnerRules, Row } from './data-tree.ts'

export class OwnerIndex {
  readonly #rules: OwnerRules
  /** By the high and then the low word of the session id: no number of 64 bits is made. */
  readonly #sessions = new Map<number, Map<number, Set<Row>>>()
  readonly #containers = new Set<Row>()
  readonly #ttlOwners = new Map<Row, bigint>()
  #ephemeralCount = 0

  constructor(rules: OwnerRules) {
    this.#rules = rules
  }

  get ephemeralCount(): number {
    return this.#ephemeralCount
  }

  /** Notes the owner of a row, if it has one, and says what kind of owner that is. */
  add(row: Row, high: number, low: number): OwnerKind {
    const kind = ownerKindOf(this.#rules, high, low)
    if (kind === OwnerKind.session) this.#addEphemeral(row, high | 0, low | 0)
    else if (kind === OwnerKind.container) this.#containers.add(row)
    else if (kind === OwnerKind.ttl) this.#ttlOwners.set(row, ownerOf(high, low))
    return kind
  }

  removeEphemeral(row: Row, high: number, low: number): void {
    const byLow = this.#sessions.get(high)
    const rows = byLow?.get(low)
    if (byLow === undefined || rows === undefined || !rows.delete(row)) return
    this.#ephemeralCount--
    if (rows.size > 0) return
    byLow.delete(low)
    if (byLow.size === 0) this.#sessions.delete(high)
  }

  removeSpecial(row: Row): void {
    if (!this.#containers.delete(row)) this.#ttlOwners.delete(row)
  }

  /** The stored owner field of a container or a node with a time to live. */
  specialOwner(row: Row): bigint {
    return this.#ttlOwners.get(row) ?? CONTAINER_OWNER
  }

  isContainer(row: Row): boolean {
    return this.#containers.has(row)
  }

  hasTtl(row: Row): boolean {
    return this.#ttlOwners.has(row)
  }

  ephemerals(high: number, low: number): ReadonlySet<Row> {
    return this.#sessions.get(high | 0)?.get(low | 0) ?? NO_ROWS
  }

  *ephemeralOwners(): Generator<bigint> {
    for (const [high, byLow] of this.#sessions) {
      for (const low of byLow.keys()) yield ownerOf(high, low)
    }
  }

  containers(): Iterable<Row> {
    return this.#containers
  }

  *ttlNodes(): Generator<readonly [row: Row, ttlMs: number]> {
    for (const [row, owner] of this.#ttlOwners) {
      yield [row, ttlMsOf(this.#rules, Number(owner >> 32n), Number(BigInt.asIntN(32, owner)))]
    }
  }

  get specialCount(): number {
    return this.#containers.size + this.#ttlOwners.size
  }

  #addEphemeral(row: Row, high: number, low: number): void {
    let byLow = this.#sessions.get(high)
    if (byLow === undefined) {
      byLow = new Map()
      this.#sessions.set(high, byLow)
    }
    let rows = byLow.get(low)
    if (rows === undefined) {
      rows = new Set()
      byLow.set(low, rows)
    }
    if (rows.has(row)) return
    rows.add(row)
    this.#ephemeralCount++
  }
}

const NO_ROWS: ReadonlySet<Row> = new Set()
const CONTAINER_OWNER = -(2n ** 63n)

const ownerOf = (high: number, low: number): bigint =>
  BigInt.asIntN(64, (BigInt(high | 0) << 32n) | BigInt(low >>> 0))

// Which nodes belong to which session, which are containers, and which have a time to live: the
// few that somebody will come to remove. It keeps the owner fields: in the row what clients see,
// and here the marks that they do not see.

import { type OwnerRules, type Row } from './data-tree.ts'
import { OwnerKind, ownerKindOf, ttlMsOf } from './owner.ts'
import { RowSet } from './row-set.ts'
import { Flag, NAME, OWNER, type RowStore, rowOffset } from './row-store.ts'

export class OwnerIndex {
  readonly #rows: RowStore
  readonly #rules: OwnerRules
  /** By the high and then the low word of the session id: no number of 64 bits is made. */
  readonly #sessions = new Map<number, Map<number, RowSet>>()
  #setCount = 0
  /** Sets whose rows are all gone; the session is likely to have others soon. */
  #emptyCount = 0
  readonly #containers = new Set<Row>()
  readonly #ttlOwners = new Map<Row, bigint>()
  #ephemeralCount = 0

  constructor(rows: RowStore, rules: OwnerRules) {
    this.#rows = rows
    this.#rules = rules
  }

  get ephemeralCount(): number {
    return this.#ephemeralCount
  }

  /** Gives a row that has none an owner, which may be nobody. */
  set(row: Row, high: number, low: number): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    switch (ownerKindOf(this.#rules, high, low)) {
      case OwnerKind.none:
        return
      case OwnerKind.session:
        words[at + OWNER] = high
        words[at + OWNER + 1] = low
        words[at + NAME]! |= Flag.sessionOwned
        this.#addEphemeral(row, high | 0, low | 0)
        return
      case OwnerKind.container:
        words[at + NAME]! |= Flag.specialOwner
        this.#containers.add(row)
        return
      case OwnerKind.ttl:
        words[at + NAME]! |= Flag.specialOwner
        this.#ttlOwners.set(row, ownerOf(high, low))
    }
  }

  clear(row: Row): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const flags = words[at + NAME]!
    if ((flags & (Flag.sessionOwned | Flag.specialOwner)) === 0) return
    if ((flags & Flag.sessionOwned) !== 0) {
      this.#removeEphemeral(row, words[at + OWNER]!, words[at + OWNER + 1]!)
    } else if (!this.#containers.delete(row)) {
      this.#ttlOwners.delete(row)
    }
    words[at + OWNER] = 0
    words[at + OWNER + 1] = 0
    words[at + NAME] = flags & ~(Flag.sessionOwned | Flag.specialOwner)
  }

  /** The stored owner field: session id or mark. */
  high(row: Row): number {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    if ((words[at + NAME]! & Flag.specialOwner) === 0) return words[at + OWNER]!
    return Number(this.#specialOwner(row) >> 32n)
  }

  low(row: Row): number {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    if ((words[at + NAME]! & Flag.specialOwner) === 0) return words[at + OWNER + 1]! >>> 0
    return Number(BigInt.asUintN(32, this.#specialOwner(row)))
  }

  ephemerals(high: number, low: number): RowSet {
    return this.#sessions.get(high | 0)?.get(low | 0) ?? NO_ROWS
  }

  *ephemeralOwners(): Generator<bigint> {
    for (const [high, byLow] of this.#sessions) {
      for (const [low, rows] of byLow) if (rows.size > 0) yield ownerOf(high, low)
    }
  }

  containers(): ReadonlySet<Row> {
    return this.#containers
  }

  *ttlNodes(): Generator<readonly [row: Row, ttlMs: number]> {
    for (const [row, owner] of this.#ttlOwners) {
      yield [row, ttlMsOf(this.#rules, Number(owner >> 32n), Number(BigInt.asIntN(32, owner)))]
    }
  }

  /** Containers and nodes with a time to live. */
  get specialCount(): number {
    return this.#containers.size + this.#ttlOwners.size
  }

  isSpecial(row: Row): boolean {
    return this.#containers.has(row) || this.#ttlOwners.has(row)
  }

  #specialOwner(row: Row): bigint {
    return this.#ttlOwners.get(row) ?? CONTAINER_OWNER
  }

  #addEphemeral(row: Row, high: number, low: number): void {
    let byLow = this.#sessions.get(high)
    if (byLow === undefined) {
      byLow = new Map()
      this.#sessions.set(high, byLow)
    }
    let rows = byLow.get(low)
    if (rows === undefined) {
      rows = new RowSet()
      byLow.set(low, rows)
      this.#setCount++
    } else if (rows.size === 0) {
      this.#emptyCount--
    }
    rows.add(row)
    this.#ephemeralCount++
  }

  #removeEphemeral(row: Row, high: number, low: number): void {
    const rows = this.#sessions.get(high)?.get(low)
    if (rows === undefined || !rows.delete(row)) return
    this.#ephemeralCount--
    if (rows.size > 0) return
    this.#emptyCount++
    if (this.#emptyCount > EMPTY_SETS_KEPT && this.#emptyCount * 2 > this.#setCount) {
      this.#dropEmptySets()
    }
  }

  #dropEmptySets(): void {
    for (const [high, byLow] of this.#sessions) {
      for (const [low, rows] of byLow) if (rows.size === 0) byLow.delete(low)
      if (byLow.size === 0) this.#sessions.delete(high)
    }
    this.#setCount -= this.#emptyCount
    this.#emptyCount = 0
  }
}

const EMPTY_SETS_KEPT = 256
const NO_ROWS = new RowSet()
const CONTAINER_OWNER = -(2n ** 63n)

const ownerOf = (high: number, low: number): bigint =>
  BigInt.asIntN(64, (BigInt(high | 0) << 32n) | BigInt(low >>> 0))

// Quotas live in the tree: `/zookeeper/quota<path>/zookeeper_limits` arms one, the text of
// `zookeeper_stats` beside it is kept up to date by every server on its own, without transactions
// (ZooKeeper 3.9 `DataTree.updateQuotaStat`, `StatsTrack`). Usage is counted at the deepest armed
// path only. Whether a limit refuses a write is decided in the pipeline, not here.

import { decodeUtf8, encodeUtf8 } from '../../base/text.ts'
import { type DataTree, NO_ROW, type Row } from './data-tree.ts'

const QUOTA_ROOT = '/zookeeper/quota'
const LIMITS = 'zookeeper_limits'
const STATS = 'zookeeper_stats'

export const limitsPath = (root: string): string => `${QUOTA_ROOT}${root}/${LIMITS}`
export const statsPath = (root: string): string => `${QUOTA_ROOT}${root}/${STATS}`

export class QuotaBook {
  readonly #tree: DataTree
  readonly #armed = new Set<string>()

  constructor(tree: DataTree) {
    this.#tree = tree
  }

  /** True where no quota is armed: the usual, cheap answer. */
  get isEmpty(): boolean {
    return this.#armed.size === 0
  }

  /** The deepest armed path that is `path` or above it; null where there is none. */
  rootFor(path: string): string | null {
    let end = path.length
    while (end > 0) {
      const candidate = path.slice(0, end)
      if (this.#armed.has(candidate)) return candidate
      end = path.lastIndexOf('/', end - 1)
    }
    return null
  }

  /** To be told of each node created below `/zookeeper`. */
  onSystemNodeCreated(path: string): void {
    const root = quotaRootOf(path, LIMITS)
    if (root !== null) this.#armed.add(root)
    const counted = quotaRootOf(path, STATS)
    if (counted !== null) this.#recount(counted)
  }

  /** To be told of each node deleted below `/zookeeper`. */
  onSystemNodeDeleted(path: string): void {
    const root = quotaRootOf(path, LIMITS)
    if (root !== null) this.#armed.delete(root)
  }

  /** Adds to the usage recorded for the quota that covers `path`, if there is one. */
  account(path: string, bytes: number, count: number): void {
    const root = this.rootFor(path)
    if (root === null) return
    const row = this.#tree.lookupText(statsPath(root))
    if (row === NO_ROW) return
    const usage = parseQuota(this.#tree.data(row)) ?? new Map<string, number>()
    usage.set('count', (usage.get('count') ?? -1) + count)
    usage.set('bytes', (usage.get('bytes') ?? -1) + bytes)
    this.#tree.replaceDataSilently(row, encodeUtf8(formatQuota(usage)))
  }

  /** Finds what is armed in a tree that was just loaded, and counts usage anew. */
  rebuild(): void {
    this.#armed.clear()
    const quotaRow = this.#tree.lookupText(QUOTA_ROOT)
    if (quotaRow === NO_ROW) return
    for (const path of pathsBelow(this.#tree, quotaRow)) this.onSystemNodeCreated(path)
  }

  #recount(root: string): void {
    const statsRow = this.#tree.lookupText(statsPath(root))
    if (statsRow === NO_ROW) return
    const usage = new Map([
      ['count', 0],
      ['bytes', 0],
    ])
    const row = this.#tree.lookupText(root)
    if (row !== NO_ROW) addUsage(this.#tree, row, usage)
    this.#tree.replaceDataSilently(statsRow, encodeUtf8(formatQuota(usage)))
  }
}

/**
 * The pairs of a limits or stats text, or null where it cannot be read: as Java splits it, so that
 * separators at the end do not matter and those at the start do. -1 and absent mean unlimited.
 * `count` and `bytes` are always there.
 */
export function parseQuota(data: Uint8Array | null): Map<string, number> | null {
  const quota = new Map<string, number>([
    ['count', -1],
    ['bytes', -1],
  ])
  if (data === null) return null
  const text = decodeUtf8(data).replace(/[,;]+$/, '')
  if (text === '') return quota
  for (const piece of text.split(/[,;]+/)) {
    const [key, value] = piece.replace(/=+$/, '').split('=')
    if (key === undefined || value === undefined) return null
    if (!/^([+-]?\d+)?$/.test(value) || !isLong(value)) return null
    quota.set(key, value === '' ? -1 : Number(value))
  }
  return quota
}

/** `count` and `bytes` first, other keys behind `=` in alphabetical order, each behind `;`. */
export function formatQuota(quota: ReadonlyMap<string, number>): string {
  const others = [...quota.keys()].filter((key) => key !== 'count' && key !== 'bytes').sort()
  const head = `count=${quota.get('count') ?? -1},bytes=${quota.get('bytes') ?? -1}`
  return others.length === 0
    ? head
    : `${head}=${others.map((key) => `;${key}=${quota.get(key)}`).join('')}`
}

/** Within 64 bits. What is beyond a safe integer limits nothing that a tree can hold. */
const isLong = (digits: string): boolean => {
  const value = BigInt(digits.replace('+', ''))
  return value === BigInt.asIntN(64, value)
}

function quotaRootOf(path: string, leaf: string): string | null {
  if (!path.startsWith(`${QUOTA_ROOT}/`) || !path.endsWith(`/${leaf}`)) return null
  const root = path.slice(QUOTA_ROOT.length, path.length - leaf.length - 1)
  return root === '' ? null : root
}

function addUsage(tree: DataTree, top: Row, usage: Map<string, number>): void {
  const rows = [top]
  let count = 0
  let bytes = 0
  for (let row = rows.pop(); row !== undefined; row = rows.pop()) {
    count++
    bytes += Math.max(0, tree.dataLength(row))
    tree.forEachChild(row, (child) => rows.push(child))
  }
  usage.set('count', count)
  usage.set('bytes', bytes)
}

function pathsBelow(tree: DataTree, top: Row): string[] {
  const paths: string[] = []
  const rows = [top]
  for (let row = rows.pop(); row !== undefined; row = rows.pop()) {
    tree.forEachChild(row, (child) => {
      rows.push(child)
      paths.push(tree.path(child))
    })
  }
  return paths
}

// When containers without children, and nodes whose time to live is over, are to be removed
// (ZooKeeper 3.9 `ContainerManager`): a look at all of them at each interval, then one removal at a
// time, so that a burst never crowds out clients. The removal itself is checked again where it is
// prepared.

import type { PipelineSettings } from '../pipeline/settings.ts'
import type { DataTree, Row } from '../tree/data-tree.ts'

export class ContainerSweeper {
  readonly #tree: DataTree
  readonly #settings: PipelineSettings
  #candidates: string[] = []
  #nextSweepMs: number
  #nextRemovalMs = Infinity

  constructor(tree: DataTree, settings: PipelineSettings, nowMs: number) {
    this.#tree = tree
    this.#settings = settings
    this.#nextSweepMs =
      settings.containerCheckIntervalMs > 0 ? nowMs + settings.containerCheckIntervalMs : Infinity
  }

  get wakeAtMs(): number {
    return Math.min(this.#nextSweepMs, this.#nextRemovalMs)
  }

  /** The path of a node to be removed now; null where there is none. */
  next(nowMs: number, wallMs: number): string | null {
    if (nowMs >= this.#nextSweepMs) {
      this.#nextSweepMs = nowMs + this.#settings.containerCheckIntervalMs
      this.#candidates = this.#findCandidates(wallMs).reverse()
      this.#nextRemovalMs = this.#candidates.length > 0 ? nowMs : Infinity
    }
    if (nowMs < this.#nextRemovalMs) return null
    const path = this.#candidates.pop() ?? null
    this.#nextRemovalMs =
      this.#candidates.length > 0 ? nowMs + 60_000 / this.#settings.containerMaxPerMinute : Infinity
    return path
  }

  #findCandidates(wallMs: number): string[] {
    const paths: string[] = []
    for (const row of this.#tree.containers()) {
      if (this.#isUnused(row, wallMs)) paths.push(this.#tree.path(row))
    }
    for (const [row, ttlMs] of this.#tree.ttlNodes()) {
      const isOver = wallMs - this.#tree.mtime(row) > ttlMs
      if (isOver && this.#tree.childCount(row) === 0) paths.push(this.#tree.path(row))
    }
    return paths
  }

  #isUnused(row: Row, wallMs: number): boolean {
    if (this.#tree.childCount(row) > 0) return false
    if (this.#tree.creations(row) > 0) return true
    const { containerMaxNeverUsedMs } = this.#settings
    return containerMaxNeverUsedMs > 0 && wallMs - this.#tree.mtime(row) > containerMaxNeverUsedMs
  }
}

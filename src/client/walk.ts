// Going through a subtree, a level at a time.

import { isZkError } from './errors.ts'
import type { Stat } from './stat.ts'
import type { ZooKeeper } from './zookeeper.ts'

export interface WalkOptions {
  readonly signal?: AbortSignal
  /** How far below the start; 0 is the start alone. No limit by default. */
  readonly maxDepth?: number
  /** How many lists are asked for at once. Default 16. */
  readonly concurrency?: number
}

export interface WalkEntry {
  readonly path: string
  readonly stat: Stat
}

export async function* walk(
  zk: ZooKeeper,
  start: string,
  options: WalkOptions,
): AsyncGenerator<WalkEntry> {
  const { maxDepth = Number.POSITIVE_INFINITY, concurrency = 16, signal } = options
  const step = signal === undefined ? {} : { signal }
  let level = [start]
  for (let depth = 0; level.length > 0; depth++) {
    const next: string[] = []
    for (let i = 0; i < level.length; i += concurrency) {
      const paths = level.slice(i, i + concurrency)
      const lists = await Promise.all(paths.map((path) => childrenOf(zk, path, step)))
      for (const [j, list] of lists.entries()) {
        const path = paths[j] as string
        if (list === null) continue
        yield { path, stat: list.stat }
        if (depth >= maxDepth) continue
        const prefix = path === '/' ? '/' : `${path}/`
        for (const name of list.children) next.push(prefix + name)
      }
    }
    level = next
  }
}

/** Null where the node has gone since its name was read. */
async function childrenOf(
  zk: ZooKeeper,
  path: string,
  step: { readonly signal?: AbortSignal },
): Promise<{ readonly children: readonly string[]; readonly stat: Stat } | null> {
  try {
    return await zk.getChildren(path, step)
  } catch (error) {
    if (isZkError(error, 'ZK_NO_NODE')) return null
    throw error
  }
}

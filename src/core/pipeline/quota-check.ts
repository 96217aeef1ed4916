// Whether a hard quota refuses a write (ZooKeeper 3.9 `ZooKeeperServer.checkQuota`). The usage
// that counts is the committed one, so that several writes in flight may overshoot together.

import { ErrorCode } from '../records/errors.ts'
import { NO_ROW } from '../tree/data-tree.ts'
import type { Database } from '../tree/database.ts'
import { limitsPath, parseQuota, statsPath } from '../tree/quota.ts'
import type { PipelineSettings } from './settings.ts'
import { UnusableRequest } from './unusable-request.ts'

/** False where no write can be refused. */
export const hasQuotas = (database: Database, settings: PipelineSettings): boolean =>
  settings.enforceQuota && !database.quotas.isEmpty

/**
 * Checks a write at `path` that makes its data grow by `growth` bytes and adds `created` nodes: Ok or
 * QuotaExceeded. Throws UnusableRequest where limits or usage cannot be read.
 */
export function quotaRefusal(
  database: Database,
  path: string,
  growth: number,
  created: number,
): number {
  const root = database.quotas.rootFor(path)
  if (root === null) return ErrorCode.Ok
  const limits = textAt(database, limitsPath(root))
  if (limits === NO_NODE) return ErrorCode.Ok
  const limit = parseQuota(limits)
  if (limit === null) throw new UnusableRequest(`the limits of ${root} cannot be read`)
  const countLimit = limit.get('countHardLimit') ?? -1
  const byteLimit = limit.get('byteHardLimit') ?? -1
  const checksCount = created !== 0 && (countLimit > -1 || limit.get('count')! > -1)
  const checksBytes = growth !== 0 && (byteLimit > -1 || limit.get('bytes')! > -1)
  if (!checksCount && !checksBytes) return ErrorCode.Ok
  const stats = textAt(database, statsPath(root))
  if (stats === NO_NODE) return ErrorCode.Ok
  const usage = parseQuota(stats)
  if (usage === null) throw new UnusableRequest(`the usage of ${root} cannot be read`)
  const exceedsCount = countLimit > -1 && usage.get('count')! + created > countLimit
  const exceedsBytes = byteLimit > -1 && usage.get('bytes')! + growth > byteLimit
  return (checksCount && exceedsCount) || (checksBytes && exceedsBytes)
    ? ErrorCode.QuotaExceeded
    : ErrorCode.Ok
}

const NO_NODE = undefined

function textAt(database: Database, path: string): Uint8Array | null | undefined {
  const row = database.tree.lookupText(path)
  return row === NO_ROW ? NO_NODE : database.tree.data(row)
}

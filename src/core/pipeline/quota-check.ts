// Whether a hard quota refuses a write (ZooKeeper 3.9 `ZooKeeperServer.checkQuota`). The usage
// that counts is the committed one, so that several writes in flight may overshoot together.

import { ErrorCode } from '../records/errors.ts'
import { NO_ROW } from '../tree/data-tree.ts'
import type { Database } from '../tree/database.ts'
import { limitsPath, parseQuota, statsPath } from '../tree/quota.ts'
import type { PipelineSettings } from './settings.ts'

/**
 * Checks a write of `bytes` of data at `path`; `created` is the number of nodes it adds (0 for a
 * change of data). Ok, QuotaExceeded, or MarshallingError where the limits cannot be read.
 */
export function quotaRefusal(
  database: Database,
  settings: PipelineSettings,
  path: string,
  bytes: number,
  created: number,
): number {
  if (!settings.enforceQuota || database.quotas.isEmpty) return ErrorCode.Ok
  const root = database.quotas.rootFor(path)
  if (root === null) return ErrorCode.Ok
  const { tree } = database
  const limitsRow = tree.lookupText(limitsPath(root))
  if (limitsRow === NO_ROW) return ErrorCode.Ok
  const limits = parseQuota(tree.data(limitsRow))
  const statsRow = tree.lookupText(statsPath(root))
  const usage = statsRow === NO_ROW ? null : parseQuota(tree.data(statsRow))
  if (limits === null) return ErrorCode.MarshallingError
  if (usage === null) return ErrorCode.Ok
  const countLimit = limits.get('countHardLimit') ?? -1
  if (created > 0 && countLimit > -1 && usage.get('count')! + created > countLimit) {
    return ErrorCode.QuotaExceeded
  }
  const row = tree.lookupText(path)
  const growth = bytes - (row === NO_ROW ? 0 : Math.max(0, tree.dataLength(row)))
  const byteLimit = limits.get('byteHardLimit') ?? -1
  if (growth !== 0 && byteLimit > -1 && usage.get('bytes')! + growth > byteLimit) {
    return ErrorCode.QuotaExceeded
  }
  return ErrorCode.Ok
}

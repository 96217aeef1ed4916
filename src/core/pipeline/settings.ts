// What an operator decides about the meaning of operations; the names are those of ZooKeeper's
// settings. One value of each for the whole life of a replica.

import type { OwnerRules } from '../tree/data-tree.ts'

export interface PipelineSettings extends OwnerRules {
  /** Milliseconds: sessions expire on multiples of it. */
  readonly tickMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  /** `skipACL`: everything is allowed; lists are validated all the same. */
  readonly skipAcl: boolean
  /** `enforceQuota`: hard limits refuse writes. */
  readonly enforceQuota: boolean
  /** `digest.enabled`: transactions carry the digest of the tree. */
  readonly transactionDigests: boolean
  /** `closeSessionTxn.enabled`: a closeSession transaction lists the ephemerals it ends. */
  readonly closeSessionPaths: boolean
  /** `DigestAuthenticationProvider.enabled` */
  readonly digestAuthentication: boolean
  /** `DigestAuthenticationProvider.digestAlg`, the same in the whole ensemble. */
  readonly digestAlgorithm: string
  /** `DigestAuthenticationProvider.superDigest`: the identity, `user:hash`, that may do everything. */
  readonly superDigest: string | null
  /** `localSessionsEnabled`: sessions begin as those of one server, without a transaction. */
  readonly localSessions: boolean
  /** `localSessionsUpgradingEnabled`: they become everybody's with their first ephemeral. */
  readonly localSessionsUpgrading: boolean
  /** `reconfigEnabled`: whether members may be changed. A server that stands alone still refuses. */
  readonly reconfigEnabled: boolean
  /** `znode.container.checkIntervalMs`; 0 never removes containers and nodes with a time to live. */
  readonly containerCheckIntervalMs: number
  /** `znode.container.maxPerMinute` */
  readonly containerMaxPerMinute: number
  /** `znode.container.maxNeverUsedIntervalMs`; 0 keeps containers that were never used. */
  readonly containerMaxNeverUsedMs: number
}

export const DEFAULT_PIPELINE_SETTINGS: PipelineSettings = {
  extendedTypes: false,
  emulate353Ttl: false,
  tickMs: 3_000,
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 60_000,
  skipAcl: false,
  enforceQuota: false,
  transactionDigests: true,
  closeSessionPaths: true,
  digestAuthentication: true,
  digestAlgorithm: 'SHA1',
  superDigest: null,
  localSessions: false,
  localSessionsUpgrading: false,
  reconfigEnabled: false,
  containerCheckIntervalMs: 60_000,
  containerMaxPerMinute: 10_000,
  containerMaxNeverUsedMs: 0,
}

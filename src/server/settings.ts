// One configuration, cut into what each part wants to know.

import type { AdminFacts } from '../admin/facts.ts'
import type { PipelineSettings } from '../core/pipeline/settings.ts'
import type { StorageOptions } from '../core/storage/storage-options.ts'
import { type ServerConfig, versionedDirectory } from './config/config.ts'
import type { ServerPorts } from './server-ports.ts'
import { versionLine } from './version.ts'

export const pipelineSettingsOf = (config: ServerConfig): PipelineSettings => ({
  ...config.meaning,
  localSessions: config.ensemble?.localSessions ?? false,
  localSessionsUpgrading: config.ensemble?.localSessionsUpgrading ?? false,
  tickMs: config.tickMs,
  minSessionTimeoutMs: config.minSessionTimeoutMs,
  maxSessionTimeoutMs: config.maxSessionTimeoutMs,
})

export const storageOptionsOf = (
  config: ServerConfig,
  ports: Pick<ServerPorts, 'random' | 'logger'>,
): StorageOptions => ({
  snapshotDirectory: config.dataDir,
  logDirectory: config.dataLogDir,
  preallocateBytes: config.storage.preallocateBytes,
  snapCount: config.storage.snapCount,
  snapSizeBytes: config.storage.snapSizeBytes ?? 0,
  logSizeLimitBytes: config.storage.logSizeLimitBytes,
  digestEnabled: config.meaning.transactionDigests,
  snapshotCompression: config.storage.snapshotCompression,
  trustEmpty: config.storage.trustEmpty,
  fieldBytesMax: config.fieldBytesMax,
  ...(config.ensemble === null
    ? {}
    : { snapshotSizeFactor: config.ensemble.sync.snapshotSizeFactor }),
  random: ports.random,
  logger: ports.logger,
})

export const adminFactsOf = (config: ServerConfig): AdminFacts => ({
  version: versionLine(),
  clientPort: config.clientPort ?? -1,
  dataDirectory: versionedDirectory(config.dataDir),
  logDirectory: versionedDirectory(config.dataLogDir),
  tickMs: config.tickMs,
  connectionsPerAddressMax: config.connectionsPerAddressMax,
  minSessionTimeoutMs: config.minSessionTimeoutMs,
  maxSessionTimeoutMs: config.maxSessionTimeoutMs,
  listenBacklog: config.listenBacklog,
  initLimit: config.ensemble?.timing.initLimit ?? 0,
  syncLimit: config.ensemble?.timing.syncLimit ?? 0,
})

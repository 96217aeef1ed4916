/**
 * What an operator may set, as the server uses it: units spelled out, defaults filled in, relations
 * between keys checked. Made from a `zoo.cfg` and the files it leads to before any port is opened or
 * file written; knows nothing of how the settings are carried out.
 */
import { readFileSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { type EnsembleConfig, type EnsembleReading, readEnsemble } from './ensemble.ts'
import { clientKeys } from './keys-clients.ts'
import { ensembleKeys } from './keys-ensemble.ts'
import { isWildcard } from './member-list.ts'
import { securityKeys } from './keys-security.ts'
import { storageKeys } from './keys-storage.ts'
import { type ConfigFiles, type ConfigSource, ConfigValues, type Remark } from './read-config.ts'

export interface ServerConfig {
  /** The parents of `version-2`: snapshots, and logs. Absolute. */
  readonly dataDir: string
  readonly dataLogDir: string
  /** Missing directories are made. */
  readonly createDirectories: boolean
  /** null opens no port; 0 any free one. */
  readonly clientPort: number | null
  /** null for every interface. */
  readonly clientPortAddress: string | null
  /** -1 leaves it to Node. */
  readonly listenBacklog: number
  readonly tickMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly frameBytesMax: number
  /** The longest field that is accepted when log and snapshots are read. */
  readonly fieldBytesMax: number
  /** 0 sets no limit, here and in the next one. */
  readonly connectionsPerAddressMax: number
  readonly connectionsMax: number
  readonly sessionlessTimeoutMs: number
  readonly tcpKeepAlive: boolean
  /** null answers every known word. */
  readonly fourLetterWords: ReadonlySet<string> | null
  readonly storage: StorageConfig
  readonly purge: PurgeConfig
  readonly meaning: MeaningConfig
  /** null for a server that stands alone. */
  readonly ensemble: EnsembleConfig | null
}

export interface StorageConfig {
  readonly preallocateBytes: number
  readonly snapCount: number
  /** null for no limit, here and in the next one. */
  readonly snapSizeBytes: number | null
  readonly logSizeLimitBytes: number | null
  readonly snapshotCompression: '' | 'gz' | 'snappy'
  readonly trustEmpty: boolean
  readonly fsyncWarningMs: number
}

export interface PurgeConfig {
  readonly retain: number
  /** 0 never purges. */
  readonly intervalHours: number
}

/** What decides what operations mean. */
export interface MeaningConfig {
  readonly extendedTypes: boolean
  readonly emulate353Ttl: boolean
  readonly skipAcl: boolean
  readonly enforceQuota: boolean
  readonly transactionDigests: boolean
  readonly closeSessionPaths: boolean
  readonly digestAuthentication: boolean
  readonly digestAlgorithm: string
  readonly superDigest: string | null
  readonly reconfigEnabled: boolean
  readonly containerCheckIntervalMs: number
  readonly containerMaxPerMinute: number
  readonly containerMaxNeverUsedMs: number
}

export interface CheckedConfig {
  readonly config: ServerConfig
  readonly remarks: readonly Remark[]
}

/** The configuration cannot be used; `problems` are sentences for the person who wrote it. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
  readonly code: string = 'INVALID_CONFIG'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Throws {@link ConfigError} with everything that is wrong. */
export function checkConfig(source: ConfigSource): CheckedConfig {
  const values = new ConfigValues(source, source.files ?? filesOnDisk)
  const dataDir = pathOf(values, 'dataDir') ?? ''
  const reading = readEnsemble(values, {
    configFile: source.file === undefined ? null : resolve(source.file),
    dataDir,
  })
  checkRelations(values, reading)
  const config = configOf(values, dataDir, reading)
  if (values.problems.length > 0) throw new ConfigError(values.problems)
  return { config, remarks: values.remarks }
}

function configOf(
  values: ConfigValues,
  dataDir: string,
  { ensemble, clientAddress }: EnsembleReading,
): ServerConfig {
  const tickMs = values.of(storageKeys.tickTime)
  const port = values.of(storageKeys.clientPort)
  const frameBytesMax = values.of(storageKeys.maxBuffer)
  const extra = values.of(storageKeys.maxBufferExtra)
  const dataLogDir = pathOf(values, 'dataLogDir') ?? dataDir
  return {
    dataDir,
    dataLogDir,
    createDirectories: values.of(storageKeys.datadirAutocreate),
    clientPort: clientAddress?.port ?? (port === 0 ? null : port),
    clientPortAddress:
      clientAddress === null || isWildcard(clientAddress.host)
        ? values.of(storageKeys.clientPortAddress)
        : clientAddress.host,
    listenBacklog: values.of(storageKeys.clientPortListenBacklog),
    tickMs,
    minSessionTimeoutMs: orElse(values.of(storageKeys.minSessionTimeout), 2 * tickMs),
    maxSessionTimeoutMs: orElse(values.of(storageKeys.maxSessionTimeout), 20 * tickMs),
    frameBytesMax,
    fieldBytesMax: Math.min(frameBytesMax + orElse(extra, frameBytesMax), 2 ** 31 - 1),
    connectionsPerAddressMax: values.of(clientKeys.maxClientCnxns),
    connectionsMax: values.of(clientKeys.maxCnxns),
    sessionlessTimeoutMs: values.of(clientKeys.sessionlessTimeout),
    tcpKeepAlive: values.of(clientKeys.clientTcpKeepAlive),
    fourLetterWords: wordsOf(values),
    storage: {
      preallocateBytes: values.of(storageKeys.preAllocSize) * 1024,
      snapCount: values.of(storageKeys.snapCount),
      snapSizeBytes: bytesOrNull(values.of(storageKeys.snapSizeLimitInKb)),
      logSizeLimitBytes: bytesOrNull(values.of(storageKeys.txnLogSizeLimitInKb)),
      snapshotCompression: values.of(storageKeys.snapshotCompression),
      trustEmpty: values.of(storageKeys.trustEmpty),
      fsyncWarningMs: values.of(storageKeys.fsyncWarning),
    },
    purge: {
      retain: values.of(storageKeys.snapRetainCount),
      intervalHours: Math.max(0, values.of(storageKeys.purgeInterval)),
    },
    meaning: {
      extendedTypes: values.of(storageKeys.extendedTypesEnabled),
      emulate353Ttl: values.of(storageKeys.emulate353TtlNodes),
      skipAcl: values.of(securityKeys.skipAcl),
      enforceQuota: values.of(storageKeys.enforceQuota),
      transactionDigests: values.of(storageKeys.digestEnabled),
      closeSessionPaths: values.of(storageKeys.closeSessionTxn),
      digestAuthentication: values.of(securityKeys.digestEnabled),
      digestAlgorithm: values.of(securityKeys.digestAlgorithm) ?? 'SHA1',
      superDigest: values.of(securityKeys.superDigest),
      reconfigEnabled: values.of(ensembleKeys.reconfigEnabled),
      containerCheckIntervalMs: values.of(clientKeys.containerCheckInterval),
      containerMaxPerMinute: values.of(clientKeys.containerMaxPerMinute),
      containerMaxNeverUsedMs: values.of(clientKeys.containerMaxNeverUsed),
    },
    ensemble,
  }
}

/** Refusals about keys that contradict each other; wording as operators know it from ZooKeeper. */
function checkRelations(values: ConfigValues, { clientAddress }: EnsembleReading): void {
  const { problems } = values
  const keys = storageKeys
  if (values.of(keys.dataDir) === null) problems.push('dataDir is not set')
  if (values.of(keys.clientPort) === 0) {
    if (values.of(keys.clientPortAddress) !== null) {
      problems.push('clientPortAddress is set but clientPort is not set')
    } else if (clientAddress === null) {
      values.remarks.push({
        level: 'warn',
        message: 'clientPort is not set: nobody will be able to connect',
      })
    }
  }
  if (values.of(keys.secureClientPort) === 0 && values.of(keys.secureClientPortAddress) !== null) {
    problems.push('secureClientPortAddress is set but secureClientPort is not set')
  }
  const tickMs = values.of(keys.tickTime)
  const min = orElse(values.of(keys.minSessionTimeout), 2 * tickMs)
  const max = orElse(values.of(keys.maxSessionTimeout), 20 * tickMs)
  if (min > max) {
    problems.push(
      `minSessionTimeout must not be larger than maxSessionTimeout: ${min} ms and ${max} ms`,
    )
  }
}

function pathOf(values: ConfigValues, name: 'dataDir' | 'dataLogDir'): string | null {
  const path = values.of(storageKeys[name])
  if (path === null) return null
  if (!isAbsolute(path) && !path.startsWith('./') && path !== '.') {
    values.remarks.push({
      level: 'warn',
      message: `${path} is relative. Prepend ./ to indicate that you're sure!`,
    })
  }
  return resolve(path)
}

/** Where `version-2` is: the files of this format. */
export function versionedDirectory(parent: string): string {
  return join(parent, 'version-2')
}

/** `srvr` is always answered, `isro` too where its answer can be of interest. */
function wordsOf(values: ConfigValues): ReadonlySet<string> | null {
  const list = values.of(securityKeys.fourLetterWords) ?? ''
  const words = list.split(',').map((word) => word.trim())
  if (words.includes('*')) return null
  const always = values.of(ensembleKeys.readOnlyMode) ? ['srvr', 'isro'] : ['srvr']
  return new Set([...always, ...words.filter((word) => word !== '')])
}

const filesOnDisk: ConfigFiles = {
  read(path) {
    try {
      return readFileSync(path, 'latin1')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  },
}

function bytesOrNull(kibibytes: number): number | null {
  return kibibytes <= 0 ? null : kibibytes * 1024
}

function orElse(value: number, fallback: number): number {
  return value === -1 ? fallback : value
}

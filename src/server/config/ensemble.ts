// What makes a server the member of an ensemble: its number, the list of members, and what it may
// take its time for with the others. Reads `myid` and the files that hold the list where it may
// change. A configuration whose list has one voter is that of a server that stands alone, as in
// ZooKeeper 3.9 (`QuorumPeerConfig`), whose rules and sentences these are.

import { join, resolve } from 'node:path'
import {
  type MemberLine,
  buildMembership,
  membershipOf,
} from '../../core/quorum/membership-text.ts'
import type { MemberAddress, Membership } from '../../core/quorum/membership.ts'
import { ensembleKeys as keys } from './keys-ensemble.ts'
import { storageKeys } from './keys-storage.ts'
import { MemberList, attempt, isWildcard } from './member-list.ts'
import type { ConfigValues } from './read-config.ts'

export interface EnsembleConfig {
  readonly serverId: number
  /** As the configuration lists the members; its version is that of the file they stand in, or 0. */
  readonly membership: Membership
  /** What was proposed in its place before the last stop, and is not known to be decided. */
  readonly proposedMembership: Membership | null
  readonly files: MembershipFiles
  /** `false` lets an ensemble shrink to a single voter. */
  readonly standaloneEnabled: boolean
  readonly reconfigEnabled: boolean
  readonly timing: EnsembleTiming
  readonly election: ElectionConfig
  readonly sync: SyncConfig
  /** Doors open on every address instead of the one that the member's line names. */
  readonly listenOnAllAddresses: boolean
  readonly tcpKeepAlive: boolean
  readonly leaderServes: boolean
  /** Whether an observer keeps log and snapshots. */
  readonly observerKeepsHistory: boolean
  readonly readOnlyMode: boolean
  readonly localSessions: boolean
  readonly localSessionsUpgrading: boolean
}

/** Null where the configuration does not come from a file, or has no file of its own for members. */
export interface MembershipFiles {
  readonly configFile: string | null
  readonly dynamicConfigFile: string | null
}

/** Limits in ticks; 0 for `connectLimit` means `initLimit`. */
export interface EnsembleTiming {
  readonly initLimit: number
  readonly syncLimit: number
  readonly connectLimit: number
  readonly connectRetryMs: number
}

export interface ElectionConfig {
  readonly notificationMinMs: number
  readonly notificationMaxMs: number
  readonly connectMs: number
  readonly handshakeMs: number
  /** 0 for ever. */
  readonly bindRetries: number
  readonly observerDelayMsMax: number
}

export interface SyncConfig {
  readonly commitLogCount: number
  /** Negative: never from the log on disk. */
  readonly snapshotSizeFactor: number
  readonly forceSnapshot: boolean
  readonly concurrentSnapshotsMax: number
  readonly concurrentDiffsMax: number
}

export interface EnsembleReading {
  /** Null for a server that stands alone. */
  readonly ensemble: EnsembleConfig | null
  /** Where the list of members says that this server's clients connect. */
  readonly clientAddress: MemberAddress | null
}

export interface EnsembleSources {
  /** Null where the configuration is not in a file. */
  readonly configFile: string | null
  readonly dataDir: string
}

const ALONE: EnsembleReading = { ensemble: null, clientAddress: null }

/** Collects problems and remarks in `values`; where there are problems the result means nothing. */
export function readEnsemble(values: ConfigValues, sources: EnsembleSources): EnsembleReading {
  const { problems } = values
  checkElectionAlgorithm(values)
  const problemCount = problems.length
  const list = new MemberList(values)
  const { parts } = list
  const isDistributed = checkRoles(values, parts.members)
  if (problems.length > problemCount || parts.members.length === 0) return ALONE

  const serverId = readServerId(values, sources.dataDir, isDistributed)
  const self = parts.members.find((member) => member.id === serverId) ?? null
  if (self !== null) checkClientAddress(values, self)
  const clientAddress = self?.clientAddress ?? null
  if (!isDistributed) return { ensemble: null, clientAddress }

  values.remarkOnEnsemble()
  checkLimits(values)
  list.checkAddresses()
  const membership = attempt(values, '', () => buildMembership(parts))
  if (serverId === null || membership === null) return ALONE
  checkServerId(values, serverId, sources.dataDir)
  checkSelf(values, serverId, self, parts.members)
  const dynamicFile = values.of(keys.dynamicConfigFile)
  return {
    ensemble: {
      serverId,
      membership,
      proposedMembership: readProposed(values, sources.configFile),
      files: {
        configFile: sources.configFile,
        dynamicConfigFile: dynamicFile === null ? null : resolve(dynamicFile),
      },
      ...settingsOf(values),
    },
    clientAddress,
  }
}

function settingsOf(
  values: ConfigValues,
): Omit<EnsembleConfig, 'serverId' | 'membership' | 'proposedMembership' | 'files'> {
  const syncLimit = values.of(keys.syncLimit)
  const handshakeMs = values.of(keys.handshakeTimeout)
  const sizeFactor = values.of(keys.snapshotSizeFactor)
  return {
    standaloneEnabled: values.of(keys.standaloneEnabled),
    reconfigEnabled: values.of(keys.reconfigEnabled),
    timing: {
      initLimit: values.of(keys.initLimit),
      syncLimit,
      connectLimit: values.of(keys.connectToLearnerMasterLimit),
      connectRetryMs: values.of(keys.leaderConnectDelay),
    },
    election: {
      notificationMinMs: values.of(keys.notificationMin),
      notificationMaxMs: values.of(keys.notificationMax),
      connectMs: values.of(keys.connectTimeout),
      handshakeMs: handshakeMs === -1 ? syncLimit * values.of(storageKeys.tickTime) : handshakeMs,
      bindRetries: values.of(keys.electionPortBindRetry),
      observerDelayMsMax: values.of(keys.observerElectionDelay),
    },
    sync: {
      commitLogCount: values.of(keys.commitLogCount),
      // ZooKeeper takes a factor above 1 for a mistake.
      snapshotSizeFactor: sizeFactor > 1 ? keys.snapshotSizeFactor.default : sizeFactor,
      forceSnapshot: values.of(keys.forceSnapshotSync),
      concurrentSnapshotsMax: values.of(keys.maxConcurrentSnapSyncs),
      concurrentDiffsMax: values.of(keys.maxConcurrentDiffSyncs),
    },
    listenOnAllAddresses: values.of(keys.listenOnAllAddresses),
    tcpKeepAlive: values.of(keys.tcpKeepAlive),
    leaderServes: values.of(keys.leaderServes),
    observerKeepsHistory: values.isSet(keys.observerSyncEnabled)
      ? values.of(keys.observerSyncEnabled)
      : values.of(keys.syncEnabled),
    readOnlyMode: values.of(keys.readOnlyMode),
    localSessions: values.of(keys.localSessionsEnabled),
    localSessionsUpgrading: values.of(keys.localSessionsUpgradingEnabled),
  }
}

/** What the server knew as proposed when it stopped. */
function readProposed(values: ConfigValues, configFile: string | null): Membership | null {
  if (configFile === null || !values.of(keys.reconfigEnabled)) return null
  const path = `${configFile}.dynamic.next`
  const text = values.readFile(path, null)
  return text === null ? null : attempt(values, path, () => membershipOf(text))
}

/** Whether these members are an ensemble. */
function checkRoles(values: ConfigValues, members: readonly MemberLine[]): boolean {
  const { problems, remarks } = values
  const standaloneEnabled = values.of(keys.standaloneEnabled)
  const voterCount = members.filter((member) => member.isVoter).length
  const observerCount = members.length - voterCount
  if (voterCount === 0) {
    if (!standaloneEnabled) {
      problems.push('standaloneEnabled = false then number of participants should be >0')
    } else if (observerCount > 0) {
      problems.push('Observers w/o participants is an invalid configuration')
    }
    return false
  }
  if (voterCount === 1 && standaloneEnabled) {
    if (observerCount > 0) problems.push('Observers w/o quorum is an invalid configuration')
    const message = 'Invalid configuration, only one server specified (ignoring)'
    remarks.push({ level: 'warn', message })
    return false
  }
  if (voterCount <= 2) {
    const message = 'No server failure will be tolerated. You need at least 3 servers.'
    remarks.push({ level: 'warn', message })
  } else if (voterCount % 2 === 0) {
    const message = 'Non-optimal configuration, consider an odd number of servers.'
    remarks.push({ level: 'warn', message })
  }
  return true
}

function checkElectionAlgorithm(values: ConfigValues): void {
  if (values.of(keys.electionAlg) === 3) return
  values.problems.push(
    `${values.where(keys.electionAlg)}: Invalid electionAlg value. Only 3 is supported.`,
  )
}

function checkLimits(values: ConfigValues): void {
  for (const key of [keys.initLimit, keys.syncLimit]) {
    if (values.of(key) > 0) continue
    values.problems.push(`${key.name} is not set; allowed: a whole number of ticks from 1`)
  }
  const [min, max] = [values.of(keys.notificationMin), values.of(keys.notificationMax)]
  if (min > max) {
    values.problems.push(
      `${keys.notificationMin.name} must not be larger than ${keys.notificationMax.name}: ` +
        `${min} ms and ${max} ms`,
    )
  }
}

/** Null where there is none, or nonsense. */
function readServerId(
  values: ConfigValues,
  dataDir: string,
  isDistributed: boolean,
): number | null {
  if (dataDir === '') return null
  const path = join(dataDir, 'myid')
  const missing = `myid file is missing: ${path} has to hold the number of this server, the N of its server.N`
  const text = values.readFile(path, isDistributed ? missing : null)
  if (text === null) return null
  const line = text.split(/\r\n|\r|\n/)[0]!.trim()
  const id = /^[+-]?\d+$/.test(line) ? Number(line) : NaN
  if (Number.isSafeInteger(id) && id >= 0) return id
  const why = Number.isNaN(id) ? `serverid ${line} is not a number` : `serverid ${line} cannot be`
  values.problems.push(`${path}: ${why}; allowed: a whole number 1..255`)
  return null
}

function checkServerId(values: ConfigValues, id: number, dataDir: string): void {
  const path = join(dataDir, 'myid')
  // Numbers of sessions carry that of their server in one byte, and times to live take some of it.
  const ttlMax = values.of(storageKeys.emulate353TtlNodes) ? 127 : 254
  if (values.of(storageKeys.extendedTypesEnabled) && id > ttlMax) {
    values.problems.push(
      `${path}: extendedTypesEnabled is true but Server ID is too large. Cannot be larger than ${ttlMax}`,
    )
  } else if (id > 255) {
    values.remarks.push({
      level: 'warn',
      message: `${path}: ${id} is above 255, so that sessions of different servers may get the same number`,
    })
  }
}

function checkSelf(
  values: ConfigValues,
  id: number,
  self: MemberLine | null,
  members: readonly MemberLine[],
): void {
  if (self === null) {
    const ids = members.map((member) => member.id).join(', ')
    values.problems.push(`My id ${id} not in the peer list: there are ${ids}`)
    return
  }
  const wanted = values.of(keys.peerType)
  const listed = self.isVoter ? 'participant' : 'observer'
  if (values.isSet(keys.peerType) && wanted !== listed) {
    values.remarks.push({
      level: 'warn',
      message:
        `${values.where(keys.peerType)}: Peer type from servers list (${listed}) doesn't match ` +
        `peerType (${wanted}). Defaulting to servers list.`,
    })
  }
}

/** The address in the list counts; one that the file has besides must not be another. */
function checkClientAddress(values: ConfigValues, { id, clientAddress }: MemberLine): void {
  const port = values.of(storageKeys.clientPort)
  if (clientAddress === null || port === 0) return
  const host = values.of(storageKeys.clientPortAddress)
  const isSameHost = host === null || isWildcard(host) || host === clientAddress.host
  if (isSameHost && port === clientAddress.port) return
  values.problems.push(
    `${values.where(storageKeys.clientPort)}: client address for this server (id = ${id}) in ` +
      `static config file is ${host ?? '0.0.0.0'}:${port} is different from client address found ` +
      `in dynamic file: ${clientAddress.host}:${clientAddress.port}`,
  )
}

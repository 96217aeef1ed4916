// How one server of an ensemble is set up, from what was drawn for the run and for its machine: its
// options, those of its storage, and the configuration on its disk that tells who the members are.
// Nothing here runs.

import { mark } from '../../base/marks.ts'
import type { Prng } from '../../base/prng.ts'
import type { SessionId } from '../../base/session-id.ts'
import { decodeUtf8, encodeUtf8 } from '../../base/text.ts'
import type { Membership } from '../../core/quorum/membership.ts'
import {
  type MemberLine,
  buildMembership,
  membershipOf,
  readMembership,
  textWithoutVersion,
  withVersion,
} from '../../core/quorum/membership-text.ts'
import type { EnsembleOptions as MemberOptions } from '../../core/replica/ensemble-options.ts'
import type { ReplicaOptions } from '../../core/replica/replica.ts'
import { MembershipFiles } from '../../core/storage/membership-files.ts'
import type { StorageOptions } from '../../core/storage/storage-options.ts'
import { ColumnTree } from '../../core/tree/column-tree.ts'
import { Database } from '../../core/tree/database.ts'
import { NaiveTree } from '../../core/tree/naive-tree.ts'
import { fakeHasher } from '../fake-crypto.ts'
import type { FakeDisk } from '../fake-disk.ts'
import { markingLogger } from '../marking-logger.ts'
import { CONFIG_PATH } from './checkers/membership-disk.ts'
import type { EnsembleOptions, MachineOptions } from './ensemble-options.ts'

const SNAPSHOT_DIRECTORY = '/data'
const CONFIG_DIRECTORY = '/conf'
const FIELD_BYTES_MAX = 400_000

/** What a server finds on its disk, and what it can do with that. */
export type Found = Pick<
  MemberOptions,
  'membership' | 'proposedMembership' | 'epochs' | 'recent' | 'openLog' | 'makeDatabase'
>

export function replicaOptionsOf(
  serverId: number,
  firstSessionId: SessionId,
  options: EnsembleOptions,
  { commitLogCount }: MachineOptions,
  found: Found,
): ReplicaOptions {
  const { settings, frameBytesMax, initLimit, syncLimit, notificationMaxMs } = options
  return {
    serverId,
    settings: { ...settings, reconfigEnabled: options.reconfigures },
    frameBytesMax,
    fieldBytesMax: FIELD_BYTES_MAX,
    firstSessionId,
    hasher: fakeHasher,
    ensemble: {
      ...found,
      timing: {
        tickMs: settings.tickMs,
        initLimit,
        syncLimit,
        connectLimit: 0,
        connectRetryMs: 100,
      },
      election: {
        notificationMinMs: 200,
        notificationMaxMs,
        finalizeWaitMs: 200,
        connectMs: 5_000,
        bindRetries: 0,
      },
      reconfigEnabled: options.reconfigures,
      commitLogCount,
      forceSnapshotSync: false,
      snapshotSyncsMax: 10,
      differenceSyncsMax: 100,
      readOnlyMode: options.readOnlyMode,
      leaderServes: options.leaderServes,
      ...(options.zxidsPerEpoch === null ? {} : { zxidsPerEpoch: options.zxidsPerEpoch }),
      faults: options.zabFaults,
    },
  }
}

export function storageOptionsOf(
  { settings, zabFaults, skipsDirectorySync }: EnsembleOptions,
  machine: MachineOptions,
  random: Prng,
): StorageOptions {
  return {
    snapshotDirectory: SNAPSHOT_DIRECTORY,
    logDirectory: machine.separateLogDirectory ? '/log' : SNAPSHOT_DIRECTORY,
    preallocateBytes: machine.preallocateBytes,
    snapCount: machine.snapCount,
    snapSizeBytes: 0,
    logSizeLimitBytes: machine.logSizeLimitBytes,
    digestEnabled: settings.transactionDigests,
    snapshotCompression: machine.snapshotCompression,
    snapshotSliceBytes: machine.snapshotSliceBytes,
    snapshotSizeFactor: machine.snapshotSizeFactor,
    trustEmpty: false,
    fieldBytesMax: FIELD_BYTES_MAX,
    random,
    logger: markingLogger,
    faults: {
      survivesWriteError: zabFaults.survivesWriteError,
      logsAfterRole: zabFaults.logsAfterRole,
      skipsDirectorySync,
    },
  }
}

export function emptyDatabase({ settings }: EnsembleOptions, { tree }: MachineOptions): Database {
  return new Database(
    tree === 'naive' ? new NaiveTree(settings) : new ColumnTree(settings),
    settings,
  )
}

/** Who the members are by a server's own configuration, and where that is kept. */
export interface Configuration {
  readonly files: MembershipFiles
  readonly membership: Membership
  readonly proposedMembership: Membership | null
}

/**
 * What the configuration on a disk says; on a new one it says what whoever set the server up wrote,
 * `given`. `line` is how the server is listed where it is a member.
 */
export function openConfiguration(
  disk: FakeDisk,
  given: Membership,
  line: MemberLine,
): Configuration {
  const read = (path: string): string => decodeUtf8(disk.read(path, 0, disk.size(path) ?? 0))
  if (disk.size(CONFIG_PATH) === null) {
    disk.makeDirectory(CONFIG_DIRECTORY)
    disk.replace(CONFIG_PATH, encodeUtf8(textWithoutVersion(given)))
  }
  const files = new MembershipFiles(disk, CONFIG_PATH)
  const proposedText = files.readProposed()
  const path = /^dynamicConfigFile=(.*)$/m.exec(read(CONFIG_PATH))?.[1] ?? null
  const version = path === null ? 0 : Number.parseInt(path.slice(path.lastIndexOf('.') + 1), 16)
  const membership = withVersion(membershipOf(read(path ?? CONFIG_PATH)), version)
  return {
    files,
    membership: withItself(membership, line),
    proposedMembership: proposedText === null ? null : membershipOf(proposedText),
  }
}

/** A server that is not among its members is started with a line for itself, as if it were new. */
function withItself(membership: Membership, line: MemberLine): Membership {
  if (membership.members.has(line.id)) return membership
  const { members, grouping } = readMembership(textWithoutVersion(membership))
  mark('a server starts that is not among the members')
  // A group for it is nobody's business yet.
  const own = { ...line, isVoter: line.isVoter && grouping === null }
  return buildMembership({ version: 0, members: [...members, own], grouping })
}

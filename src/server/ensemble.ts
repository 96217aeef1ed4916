// A server as the member of an ensemble: what its configuration says becomes what the replica wants
// to know, and its links and extra work on the disk get the ports that they run on.

import type { EnsembleOptions } from '../core/replica/ensemble-options.ts'
import { DiskTasks } from '../core/replica/disk-tasks.ts'
import type { EnsemblePorts } from '../core/replica/pump.ts'
import type { Boot } from '../core/replica/boot.ts'
import type { Membership } from '../core/quorum/membership.ts'
import { readEpochs } from '../core/storage/epoch-files.ts'
import { MembershipFiles } from '../core/storage/membership-files.ts'
import type { Storage } from '../core/storage/storage.ts'
import type { StorageOptions } from '../core/storage/storage-options.ts'
import type { Database } from '../core/tree/database.ts'
import type { Disk, Done } from '../ports/disk.ts'
import type { Logger } from '../ports/logger.ts'
import type { ServerConfig } from './config/config.ts'
import type { EnsembleConfig } from './config/ensemble.ts'
import type { ServerPeers } from './server-ports.ts'

/** How long the last vote is given to be bettered (ZooKeeper 3.9 `FastLeaderElection.finalizeWait`). */
const FINALIZE_WAIT_MS = 200

export interface MemberContext {
  readonly config: ServerConfig
  readonly ensemble: EnsembleConfig
  readonly disk: Disk
  readonly storageOptions: StorageOptions
  readonly boot: Boot
  makeDatabase(): Database
  /** Of the running server: there is none yet when the options are made. */
  storage(): Storage
}

/** Reads the epochs, which blocks and throws as recovery does. */
export function ensembleOptionsOf(context: MemberContext): EnsembleOptions {
  const { config, ensemble, disk, storageOptions, boot, makeDatabase, storage } = context
  const { timing, election, sync } = ensemble
  return {
    timing: { tickMs: config.tickMs, ...timing },
    election: {
      notificationMinMs: election.notificationMinMs,
      notificationMaxMs: election.notificationMaxMs,
      finalizeWaitMs: FINALIZE_WAIT_MS,
      connectMs: election.connectMs,
      bindRetries: election.bindRetries,
    },
    membership: ensemble.membership,
    proposedMembership: ensemble.proposedMembership,
    reconfigEnabled: ensemble.reconfigEnabled,
    votersMin: ensemble.standaloneEnabled ? 2 : 1,
    epochs: readEpochs(disk, storageOptions, boot.recovery.lastZxid),
    recent: boot.recent,
    fieldBytesMax: config.fieldBytesMax,
    commitLogCount: sync.commitLogCount,
    forceSnapshotSync: sync.forceSnapshot,
    snapshotSyncsMax: sync.concurrentSnapshotsMax,
    differenceSyncsMax: sync.concurrentDiffsMax,
    leaderServes: ensemble.leaderServes,
    observerPauseMs: () => storageOptions.random.below(election.observerDelayMsMax + 1),
    readOnlyMode: ensemble.readOnlyMode,
    openLog: (from) => storage().openLog(from),
    makeDatabase,
  }
}

export interface EnsembleShell {
  readonly ensemble: EnsembleConfig
  readonly disk: Disk
  readonly storage: Storage
  readonly peers: ServerPeers
  readonly logger: Logger
  /** The database as it is at the call. */
  database(): Database
  makeDatabase(): Database
  onFatal(error: Error): void
}

type MembershipWriter = (
  membership: Membership | null,
  isCommitted: boolean,
  done: () => void,
) => void

/** Where the configuration is no file, a membership lasts as long as the server. */
function writerOf({ ensemble, disk, onFatal }: EnsembleShell): MembershipWriter {
  const { configFile, dynamicConfigFile } = ensemble.files
  if (configFile === null || !ensemble.reconfigEnabled) {
    return (_membership, _isCommitted, done) => void setImmediate(done)
  }
  const files = new MembershipFiles(disk, configFile)
  // The list of members is about to leave the file that a person wrote.
  if (dynamicConfigFile === null) files.backUp()
  files.readProposed()
  return (membership, isCommitted, done) => {
    const then: Done = (error) => {
      if (error === null) done()
      else onFatal(error)
    }
    if (membership === null) files.forgetProposed(then)
    else if (isCommitted) files.decide(membership, hasClientAddress(membership, ensemble), then)
    else files.propose(membership, then)
  }
}

const hasClientAddress = ({ members }: Membership, { serverId }: EnsembleConfig): boolean =>
  (members.get(serverId)?.clientAddress ?? null) !== null

export function ensemblePortsOf(shell: EnsembleShell): EnsemblePorts {
  const { storage, peers, logger, database, makeDatabase, onFatal } = shell
  return {
    peers,
    tasks: new DiskTasks({
      storage,
      database,
      makeDatabase,
      writeMembership: writerOf(shell),
      onFatal,
    }),
    onRemark: ({ level, message, fields }) => logger[level](message, fields),
    onFatal: (reason) => onFatal(new Error(reason)),
  }
}

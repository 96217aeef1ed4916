// Keys about where data lives, when it is safe, and how much of it is kept
// (ZooKeeper 3.9 administrator's guide and `QuorumPeerConfig`).

import { choice, consent, flag, integer, path } from './key.ts'

const ports = { min: 0, max: 65_535 }

export const storageKeys = {
  dataDir: path('dataDir', {
    reason: 'Where snapshots and `myid` live, and the log too unless `dataLogDir` is set.',
    defaultText: 'required',
    priority: 'P1',
    support: 'honoured',
  }),
  dataLogDir: path('dataLogDir', {
    reason: 'Where the transaction log lives; a disk of its own makes writes faster.',
    defaultText: '= dataDir',
    priority: 'P1',
    support: 'honoured',
  }),
  clientPort: integer('clientPort', 0, {
    ...ports,
    reason: 'Where clients connect without TLS; 0 opens no such port.',
    defaultText: 'none',
    priority: 'P1',
    support: 'honoured',
  }),
  clientPortAddress: path('clientPortAddress', {
    reason: 'The address to listen on, where it should not be every interface.',
    defaultText: 'all interfaces',
    priority: 'P2',
    support: 'honoured',
  }),
  secureClientPort: integer('secureClientPort', 0, {
    ...ports,
    reason: 'Where clients connect with TLS.',
    defaultText: 'none',
    priority: 'P2',
    support: 'later',
  }),
  secureClientPortAddress: path('secureClientPortAddress', {
    reason: 'The address of the TLS port.',
    defaultText: 'all interfaces',
    priority: 'P3',
    support: 'later',
  }),
  clientPortListenBacklog: integer('clientPortListenBacklog', -1, {
    min: -1,
    reason: 'Connections that the kernel may queue before they are accepted; -1 leaves it to Node.',
    priority: 'P3',
    support: 'honoured',
  }),
  tickTime: integer('tickTime', 3_000, {
    unit: 'ms',
    min: 1,
    wording: 'tickTime is not set',
    reason:
      'The unit of session timeouts: sessions expire on multiples of it. Most files set 2000.',
    priority: 'P1',
    support: 'honoured',
  }),
  minSessionTimeout: integer('minSessionTimeout', -1, {
    unit: 'ms',
    min: -1,
    reason: 'The shortest session a client may ask for; a shorter wish is raised to it.',
    defaultText: '2 × tickTime',
    priority: 'P2',
    support: 'honoured',
  }),
  maxSessionTimeout: integer('maxSessionTimeout', -1, {
    unit: 'ms',
    min: -1,
    reason: 'The longest session a client may ask for; a longer wish is lowered to it.',
    defaultText: '20 × tickTime',
    priority: 'P2',
    support: 'honoured',
  }),
  preAllocSize: integer('preAllocSize', 65_536, {
    unit: 'KiB',
    min: 0,
    reason: 'Log files grow by this much at once, so that a commit changes no metadata.',
    priority: 'P3',
    support: 'honoured',
  }),
  snapCount: integer('snapCount', 100_000, {
    unit: 'transactions',
    raiseTo: 2,
    reason:
      'A snapshot is begun, and the log rolled, after about this many transactions; of more than ' +
      '100,000 nodes only after half as many as there are nodes.',
    priority: 'P2',
    support: 'honoured',
  }),
  snapSizeLimitInKb: integer('snapSizeLimitInKb', 4_194_304, {
    unit: 'KiB',
    reason: 'The same by size of the log since the last snapshot; 0 or less switches it off.',
    priority: 'P3',
    support: 'honoured',
  }),
  txnLogSizeLimitInKb: integer('txnLogSizeLimitInKb', -1, {
    unit: 'KiB',
    reason: 'Rolls the log at this size without a snapshot; -1 switches it off.',
    priority: 'P3',
    support: 'honoured',
  }),
  snapRetainCount: integer('autopurge.snapRetainCount', 3, {
    unit: 'snapshots',
    raiseTo: 3,
    reason: 'How many snapshots purging keeps, with the logs that they need.',
    priority: 'P1',
    support: 'honoured',
  }),
  purgeInterval: integer('autopurge.purgeInterval', 0, {
    unit: 'hours',
    reason: 'Removes old snapshots and logs at start and then every so often; 0 never does.',
    priority: 'P1',
    support: 'honoured',
  }),
  forceSync: consent('forceSync', true, {
    reason: '`no` acknowledges writes before they are on disk, and so may lose them.',
    priority: 'P3',
    support: 'later',
  }),
  fsyncWarning: integer('fsync.warningthresholdms', 1_000, {
    unit: 'ms',
    min: 0,
    reason: 'A sync of the log that takes longer is logged: the disk is too slow.',
    priority: 'P2',
    support: 'honoured',
  }),
  snapshotCompression: choice('snapshot.compression.method', ['', 'gz', 'snappy'], '', {
    reason: 'Compresses new snapshots; readers go by the suffix of the file.',
    defaultText: 'none',
    priority: 'P2',
    support: 'honoured',
  }),
  trustEmpty: flag('snapshot.trust.empty', false, {
    reason: 'Starts from a log without any snapshot; only for data of very old servers.',
    priority: 'P2',
    support: 'honoured',
  }),
  serializeLastProcessedZxid: flag('serializeLastProcessedZxid.enabled', true, {
    reason: 'Keeps the last zxid inside the snapshot.',
    priority: 'P3',
    support: 'later',
  }),
  digestEnabled: flag('digest.enabled', true, {
    reason: 'Keeps a running hash of the tree in log and snapshots, to notice divergence.',
    priority: 'P3',
    support: 'honoured',
  }),
  datadirAutocreate: flag('datadir.autocreate', true, {
    reason:
      '`false` refuses to start where a data directory is missing, perhaps because its disk is.',
    priority: 'P2',
    support: 'honoured',
  }),
  dbAutocreate: flag('db.autocreate', true, {
    reason: '`false` lets an empty database vote only once it has been synced.',
    priority: 'P2',
    support: 'ensemble-later',
  }),
  closeSessionTxn: flag('closeSessionTxn.enabled', true, {
    reason: 'Writes the ephemeral nodes that end with a session into the log.',
    priority: 'P3',
    support: 'honoured',
  }),
  extendedTypesEnabled: flag('extendedTypesEnabled', false, {
    reason: 'Allows nodes with a time to live.',
    priority: 'P2',
    support: 'honoured',
  }),
  emulate353TtlNodes: flag('emulate353TTLNodes', false, {
    reason: 'Reads such nodes as version 3.5.3 wrote them.',
    priority: 'P3',
    support: 'honoured',
  }),
  enforceQuota: flag('enforceQuota', false, {
    reason: 'Refuses writes beyond a hard quota; otherwise quotas only warn.',
    priority: 'P2',
    support: 'honoured',
  }),
  maxBuffer: integer('jute.maxbuffer', 1_048_575, {
    unit: 'bytes',
    min: 1_024,
    anyRadix: true,
    reason: 'The largest packet accepted, which bounds the data of a node.',
    priority: 'P1',
    support: 'honoured',
    outsideFile: true,
  }),
  maxBufferExtra: integer('jute.maxbuffer.extrasize', -1, {
    unit: 'bytes',
    min: -1,
    anyRadix: true,
    reason: 'Extra room for one field when log and snapshots are read.',
    defaultText: '= jute.maxbuffer',
    priority: 'P3',
    support: 'honoured',
  }),
  flushDelay: integer('flushDelay', 0, {
    unit: 'ms',
    reason: 'Delays commits to group them; commits group by themselves here, without a delay.',
    priority: 'P3',
    support: 'no-effect',
  }),
  maxWriteQueuePollTime: integer('maxWriteQueuePollTime', 0, {
    unit: 'ms',
    reason: 'Ends that delay early.',
    defaultText: 'flushDelay / 3',
    priority: 'P3',
    support: 'no-effect',
  }),
  maxBatchSize: integer('maxBatchSize', 1_000, {
    reason: 'Ends that delay at this many transactions.',
    priority: 'P3',
    support: 'no-effect',
  }),
  intBufferStartingSizeBytes: integer('intBufferStartingSizeBytes', 1_024, {
    unit: 'bytes',
    reason: 'The first size of a reply buffer.',
    priority: 'P3',
    support: 'no-effect',
  }),
} as const

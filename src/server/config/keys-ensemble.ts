// Keys that mean something to several servers together. A server that stands alone passes over
// them, as Apache ZooKeeper's does.

import { type ConfigKey, choice, consent, family, flag, integer, path, ratio, text } from './key.ts'

export const ensembleKeys = {
  servers: family('server.', {
    reason:
      'The members: `server.1=host:2888:3888;2181`, the ports for followers, elections and clients; `:observer` behind the ports for one that does not vote.',
    priority: 'P1',
    support: 'ensemble',
  }),
  groups: family('group', {
    reason: 'Groups of a hierarchical quorum: `group.1=1:2:3`.',
    priority: 'P3',
    support: 'ensemble',
  }),
  weights: family('weight', {
    reason: 'The weight of a member in its group: `weight.1=2`.',
    priority: 'P3',
    support: 'ensemble',
  }),
  initLimit: ticks('initLimit', 'How long a follower may take to connect and synchronise.', 'P1'),
  syncLimit: ticks('syncLimit', 'How far a follower may fall behind its leader.', 'P1'),
  connectToLearnerMasterLimit: ticks(
    'connectToLearnerMasterLimit',
    'How long the TCP connection to the leader may take; 0 means initLimit.',
    'P3',
  ),
  dynamicConfigFile: path('dynamicConfigFile', {
    reason: 'The file that lists the members, where that list may change at run time.',
    priority: 'P2',
    support: 'ensemble',
  }),
  standaloneEnabled: flag('standaloneEnabled', true, {
    reason: '`false` makes even a single server an ensemble of one.',
    priority: 'P2',
    support: 'ensemble',
  }),
  electionAlg: integer('electionAlg', 3, {
    reason: 'Only 3, fast leader election, exists.',
    priority: 'P3',
    support: 'ensemble',
  }),
  peerType: choice('peerType', ['participant', 'observer'], 'participant', {
    reason: 'What this server calls itself; the list of members decides.',
    priority: 'P2',
    support: 'ensemble',
    wording: 'Unrecognised peertype',
    anyCase: true,
  }),
  reconfigEnabled: flag(
    'reconfigEnabled',
    false,
    common('Allows the list of members to change at run time.'),
  ),
  localSessionsEnabled: flag(
    'localSessionsEnabled',
    false,
    rare('Sessions that only the server they are connected to knows.'),
  ),
  localSessionsUpgradingEnabled: flag(
    'localSessionsUpgradingEnabled',
    false,
    rare('Makes such a session known to all at its first ephemeral node.'),
  ),
  readOnlyMode: flag('readonlymode.enabled', false, {
    ...rare('Serves reads while cut off from the quorum.'),
    outsideFile: true,
  }),
  leaderServes: consent('leaderServes', true, rare('`no` keeps clients off the leader.')),
  listenOnAllAddresses: flag(
    'quorumListenOnAllIPs',
    false,
    common('Binds quorum and election ports on every interface.'),
  ),
  syncEnabled: flag('syncEnabled', true, rare('Observers keep log and snapshots.')),
  observerSyncEnabled: flag('observer.syncEnabled', true, {
    ...rare('The same, and it wins over `syncEnabled`.'),
    outsideFile: true,
  }),
  observerElectionDelay: integer('observer.election.DelayMs', 200, {
    ...rare('An observer waits up to this long before it looks for a leader.'),
    unit: 'ms',
    min: 0,
  }),
  connectTimeout: integer('cnxTimeout', 5_000, {
    ...rare('Connect timeout of election connections.'),
    unit: 'ms',
    min: 1,
  }),
  handshakeTimeout: integer('quorumCnxnTimeoutMs', -1, {
    ...rare('How long the handshake of an election connection may take.'),
    unit: 'ms',
    min: -1,
    defaultText: 'syncLimit x tickTime',
  }),
  tcpKeepAlive: flag('tcpKeepAlive', false, common('Keep-alive on connections between members.')),
  electionPortBindRetry: integer('electionPortBindRetry', 3, {
    ...common('Tries to bind the election port, one a second; 0 never gives up.'),
    min: 0,
  }),
  notificationMin: integer('fastleader.minNotificationInterval', 200, {
    ...rare('First pause between notifications of an election.'),
    unit: 'ms',
    min: 1,
  }),
  notificationMax: integer('fastleader.maxNotificationInterval', 60_000, {
    ...common('Last pause between notifications of an election.'),
    unit: 'ms',
    min: 1,
  }),
  leaderConnectDelay: integer('leaderConnectDelayDuringRetryMs', 100, {
    ...rare('Pause between tries to reach the leader.'),
    unit: 'ms',
    min: 0,
  }),
  commitLogCount: integer('commitLogCount', 500, {
    ...rare('Transactions kept in memory for members that join.'),
    raiseTo: 500,
  }),
  snapshotSizeFactor: ratio(
    'snapshotSizeFactor',
    0.33,
    rare(
      'Members join from the log on disk while that is smaller than this part of the snapshot; below 0 never.',
    ),
  ),
  forceSnapshotSync: flag(
    'forceSnapshotSync',
    false,
    rare('Members that join always get a whole snapshot.'),
  ),
  maxConcurrentSnapSyncs: integer('leader.maxConcurrentSnapSyncs', 10, {
    ...rare('Members that may be sent a snapshot at once.'),
    min: 1,
    aliases: ['maxConcurrentSnapSyncs'],
  }),
  maxConcurrentDiffSyncs: integer('leader.maxConcurrentDiffSyncs', 100, {
    ...rare('Members that may be sent a difference at once.'),
    min: 1,
    aliases: ['maxConcurrentDiffSyncs'],
  }),
  multiAddress: flag('multiAddress.enabled', false, {
    ...rare('Several addresses for each member, of which the first is used here so far.'),
    support: 'ensemble-later',
  }),
} as const

/** Keys whose values nothing reads. */
export const unreadEnsembleKeys: readonly ConfigKey[] = [
  integer('observerMasterPort', 0, later('Where followers serve observers.', 'P3')),
  integer(
    'observer.reconnectDelayMs',
    0,
    later('An observer waits this long before it reconnects.', 'P3'),
  ),
  integer(
    'observerMaster.sizeLimit',
    33_554_432,
    later('Bytes that an observer master keeps.', 'P3'),
  ),
  integer('leader.maxTimeToWaitForEpoch', -1, {
    ...later('How long a new leader waits for its quorum.', 'P3'),
    aliases: ['maxTimeToWaitForEpoch'],
  }),
  flag('leader.closeSocketAsync', false, needless('Closes sockets of members in the background.')),
  flag('learner.closeSocketAsync', false, needless('The same at the member’s end.')),
  flag('learner.asyncSending', false, needless('Sends to the leader from a queue.')),
  flag('leader.nodelay', true, {
    ...needless('TCP_NODELAY towards members; it is always set.'),
    outsideFile: true,
  }),
  flag('follower.nodelay', true, {
    ...needless('TCP_NODELAY towards the leader; it is always set.'),
    outsideFile: true,
  }),
  integer('leader.ackLoggingFrequency', 1_000, needless('Logs one acknowledgement in so many.')),
  flag(
    'forward_learner_requests_to_commit_processor_disabled',
    false,
    needless('Saves memory at the leader.'),
  ),
  flag(
    'follower.skipLearnerRequestToNextProcessor',
    false,
    needless('Saves memory at an observer master.'),
  ),
  flag(
    'multiAddress.reachabilityCheckEnabled',
    true,
    needless('Probes which of a member’s addresses answers.'),
  ),
  integer('multiAddress.reachabilityCheckTimeoutMs', 1_000, needless('How long a probe may take.')),
  path('oraclePath', later('A file that breaks ties between two members.', 'P3')),
  integer(
    'quorum.cnxn.threads.size',
    20,
    needless('Threads for authenticated election connections.'),
  ),
  flag('messageTracker.Enabled', false, later('Logs the last packets of a lost member.', 'P3')),
  integer('messageTracker.BufferSize', 10, later('How many of them.', 'P3')),
  flag(
    'enableEagerACLCheck',
    false,
    later('Members check ACLs before they forward a write.', 'P3'),
  ),
  flag('quorum.auth.enableSasl', false, refused('Members authenticate to each other.')),
  flag('quorum.auth.serverRequireSasl', false, refused('Members must.')),
  flag('quorum.auth.learnerRequireSasl', false, refused('So must those that join.')),
  text(
    'quorum.auth.kerberos.servicePrincipal',
    later('The principal that members authenticate with.', 'P2'),
  ),
  text(
    'quorum.auth.learner.saslLoginContext',
    later('The section that a joining member uses.', 'P2'),
  ),
  text('quorum.auth.server.saslLoginContext', later('The section that it is checked with.', 'P2')),
  flag('sslQuorum', false, refused('TLS between members.')),
  flag('portUnification', false, refused('TLS and plain between members on one port.')),
  flag(
    'sslQuorumReloadCertFiles',
    false,
    later('Reads their certificates anew when they change.', 'P2'),
  ),
  family('ssl.quorum.', later('TLS between members: stores, protocols, verification.', 'P2')),
]

function ticks(name: string, reason: string, priority: 'P1' | 'P3'): ConfigKey<number> {
  return integer(name, 0, { unit: 'ticks', min: 0, reason, priority, support: 'ensemble' })
}

function common(reason: string) {
  return { reason, priority: 'P2', support: 'ensemble' } as const
}

function rare(reason: string) {
  return { reason, priority: 'P3', support: 'ensemble' } as const
}

function later(reason: string, priority: 'P2' | 'P3') {
  return { reason, priority, support: 'ensemble-later' } as const
}

function refused(reason: string) {
  return { reason, priority: 'P2', support: 'ensemble-refused' } as const
}

function needless(reason: string) {
  return { reason, priority: 'P3', support: 'no-effect' } as const
}

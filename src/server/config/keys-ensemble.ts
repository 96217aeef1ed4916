// Keys that mean something to several servers together. A server that stands alone passes over
// them, as Apache ZooKeeper's does, except where a value says that it must not stand alone.

import { type ConfigKey, choice, consent, family, flag, integer, path, text } from './key.ts'

export const ensembleKeys = {
  servers: family('server.', {
    reason:
      'The members: `server.1=host:2888:3888;2181`. More than one is refused until ensembles are here.',
    priority: 'P1',
    support: 'ensemble',
  }),
  groups: family('group', {
    reason: 'Groups of a hierarchical quorum.',
    priority: 'P3',
    support: 'ensemble',
  }),
  weights: family('weight', {
    reason: 'The weight of a member in its group.',
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
    support: 'refused',
  }),
  standaloneEnabled: flag('standaloneEnabled', true, {
    reason: '`false` makes even a single server an ensemble of one.',
    priority: 'P2',
    support: 'refused',
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
  reconfigEnabled: flag('reconfigEnabled', false, {
    reason: 'Allows the list of members to change at run time.',
    priority: 'P2',
    support: 'later',
  }),
  localSessionsEnabled: flag('localSessionsEnabled', false, {
    reason: 'Sessions that only the server they are connected to knows.',
    priority: 'P3',
    support: 'later',
  }),
  localSessionsUpgradingEnabled: flag('localSessionsUpgradingEnabled', false, {
    reason: 'Makes such a session known to all at its first ephemeral node.',
    priority: 'P3',
    support: 'later',
  }),
  readOnlyMode: flag('readonlymode.enabled', false, {
    reason: 'Serves reads while cut off from the quorum.',
    priority: 'P3',
    support: 'ensemble',
    outsideFile: true,
  }),
} as const

/** Keys whose values are not looked at until there are ensembles. */
export const unreadEnsembleKeys: readonly ConfigKey[] = [
  consent('leaderServes', true, rare('`no` keeps clients off the leader.')),
  flag(
    'quorumListenOnAllIPs',
    false,
    common('Binds quorum and election ports on every interface.'),
  ),
  flag('syncEnabled', true, rare('Observers keep log and snapshots.')),
  integer('observerMasterPort', 0, rare('Where followers serve observers.')),
  integer(
    'observer.reconnectDelayMs',
    0,
    rare('An observer waits this long before it reconnects.'),
  ),
  integer(
    'observer.election.DelayMs',
    200,
    rare('An observer waits this long before it looks for a leader.'),
  ),
  integer('observerMaster.sizeLimit', 33_554_432, rare('Bytes that an observer master keeps.')),
  integer('cnxTimeout', 5_000, rare('Connect timeout of election connections.')),
  integer('quorumCnxnTimeoutMs', -1, rare('Read timeout of election connections.')),
  flag('tcpKeepAlive', false, common('Keep-alive on election connections.')),
  integer('electionPortBindRetry', 3, common('Tries to bind the election port; 0 never gives up.')),
  integer('fastleader.minNotificationInterval', 200, rare('First pause between notifications.')),
  integer(
    'fastleader.maxNotificationInterval',
    60_000,
    common('Last pause between notifications.'),
  ),
  integer('leader.maxTimeToWaitForEpoch', -1, {
    ...rare('How long a new leader waits for its quorum.'),
    aliases: ['maxTimeToWaitForEpoch'],
  }),
  integer('leader.maxConcurrentSnapSyncs', 10, {
    ...rare('Members that may be sent a snapshot at once.'),
    aliases: ['maxConcurrentSnapSyncs'],
  }),
  integer('leader.maxConcurrentDiffSyncs', 100, {
    ...rare('Members that may be sent a difference at once.'),
    aliases: ['maxConcurrentDiffSyncs'],
  }),
  flag('leader.closeSocketAsync', false, rare('Closes sockets of members in the background.')),
  flag('learner.closeSocketAsync', false, rare('The same at the member’s end.')),
  flag('learner.asyncSending', false, rare('Sends to the leader from a queue.')),
  flag('leader.nodelay', true, { ...rare('TCP_NODELAY towards members.'), outsideFile: true }),
  flag('follower.nodelay', true, { ...rare('TCP_NODELAY towards the leader.'), outsideFile: true }),
  integer('leaderConnectDelayDuringRetryMs', 100, rare('Pause between tries to reach the leader.')),
  flag('forceSnapshotSync', false, rare('Members always get a whole snapshot.')),
  integer('leader.ackLoggingFrequency', 1_000, rare('Logs one acknowledgement in so many.')),
  flag(
    'forward_learner_requests_to_commit_processor_disabled',
    false,
    rare('Saves memory at the leader.'),
  ),
  flag(
    'follower.skipLearnerRequestToNextProcessor',
    false,
    rare('Saves memory at an observer master.'),
  ),
  flag('multiAddress.enabled', false, rare('Several addresses for each member.')),
  flag('multiAddress.reachabilityCheckEnabled', true, rare('Probes which of them answers.')),
  integer('multiAddress.reachabilityCheckTimeoutMs', 1_000, rare('How long a probe may take.')),
  path('oraclePath', rare('A file that breaks ties between two members.')),
  integer('quorum.cnxn.threads.size', 20, rare('Threads for authenticated election connections.')),
  flag('messageTracker.Enabled', false, rare('Logs the last packets of a lost member.')),
  integer('messageTracker.BufferSize', 10, rare('How many of them.')),
  flag('enableEagerACLCheck', false, rare('Members check ACLs before they forward a write.')),
  flag('quorum.auth.enableSasl', false, common('Members authenticate to each other.')),
  flag('quorum.auth.serverRequireSasl', false, common('Members must.')),
  flag('quorum.auth.learnerRequireSasl', false, common('So must those that join.')),
  text('quorum.auth.kerberos.servicePrincipal', common('The principal they use.')),
  text('quorum.auth.learner.saslLoginContext', common('The section that a joining member uses.')),
  text('quorum.auth.server.saslLoginContext', common('The section that it is checked with.')),
  flag('sslQuorum', false, common('TLS between members.')),
  flag('portUnification', false, common('TLS and plain between members on one port.')),
  flag(
    'sslQuorumReloadCertFiles',
    false,
    common('Reads their certificates anew when they change.'),
  ),
  family('ssl.quorum.', common('TLS between members: stores, protocols, verification.')),
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

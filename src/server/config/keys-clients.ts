// Keys about client connections: limits, throttles, and the thread pools that Zabra does not have.

import { type ConfigKey, family, flag, integer, ratio, text } from './key.ts'

export const clientKeys = {
  maxClientCnxns: integer('maxClientCnxns', 60, {
    unit: 'connections',
    min: 0,
    reason: 'Connections from one address; more are closed at once. 0 sets no limit.',
    priority: 'P1',
    support: 'honoured',
  }),
  maxCnxns: integer('maxCnxns', 0, {
    unit: 'connections',
    min: 0,
    reason: 'Connections in all; more are closed at once. 0 sets no limit.',
    priority: 'P2',
    support: 'honoured',
  }),
  sessionlessTimeout: integer('nio.sessionlessCnxnTimeout', 10_000, {
    unit: 'ms',
    min: 1,
    reason: 'A connection that has not asked for a session by then is closed.',
    priority: 'P2',
    support: 'honoured',
  }),
  clientTcpKeepAlive: flag('clientTcpKeepAlive', false, {
    reason: 'Keep-alive probes on client connections.',
    priority: 'P3',
    support: 'honoured',
  }),
  containerCheckInterval: integer('znode.container.checkIntervalMs', 60_000, {
    unit: 'ms',
    min: 0,
    reason: 'How often empty containers and outlived nodes are looked for; 0 never does.',
    priority: 'P3',
    support: 'honoured',
    outsideFile: true,
  }),
  containerMaxPerMinute: integer('znode.container.maxPerMinute', 10_000, {
    unit: 'nodes',
    min: 1,
    reason: 'How many of them are removed in a minute.',
    priority: 'P3',
    support: 'honoured',
    outsideFile: true,
  }),
  containerMaxNeverUsed: integer('znode.container.maxNeverUsedIntervalMs', 0, {
    unit: 'ms',
    min: 0,
    reason: 'Also removes containers that never had a child, after this long; 0 keeps them.',
    priority: 'P3',
    support: 'honoured',
    outsideFile: true,
  }),
} as const

export const otherClientKeys: readonly ConfigKey[] = [
  integer('globalOutstandingLimit', 1_000, {
    ...later('P2', 'Requests in work before connections are paused.'),
    support: 'no-effect',
  }),
  integer('connection_throttle_tokens', 0, {
    ...later('P3', 'New sessions that may come at once.'),
    aliases: ['connectionMaxTokens'],
  }),
  integer('connection_throttle_fill_time', 1, {
    ...later('P3', 'Milliseconds between refills.'),
    aliases: ['connectionTokenFillTime'],
  }),
  integer('connection_throttle_fill_count', 1, {
    ...later('P3', 'New sessions that a refill allows.'),
    aliases: ['connectionTokenFillCount'],
  }),
  integer('connection_throttle_freeze_time', -1, {
    ...later('P3', 'How often the chance of refusal is adapted.'),
    aliases: ['connectionFreezeTime'],
  }),
  ratio('connection_throttle_drop_increase', 0.02, {
    ...later('P3', 'By how much that chance rises.'),
    aliases: ['connectionDropIncrease'],
  }),
  ratio('connection_throttle_drop_decrease', 0.002, {
    ...later('P3', 'By how much it falls.'),
    aliases: ['connectionDropDecrease'],
  }),
  ratio('connection_throttle_decrease_ratio', 0, {
    ...later('P3', 'Below which use it falls.'),
    aliases: ['connectionDecreaseRatio'],
  }),
  flag(
    'connection_throttle_weight_enabled',
    false,
    later('P3', 'Kinds of sessions weigh differently.'),
  ),
  integer('connection_throttle_global_session_weight', 3, later('P3', 'Weight of a new session.')),
  integer('connection_throttle_renew_session_weight', 2, later('P3', 'Weight of a resumed one.')),
  integer('connection_throttle_local_session_weight', 1, later('P3', 'Weight of a local one.')),
  integer('request_throttle_max_requests', 0, {
    ...later('P3', 'Requests in work before others wait.'),
    aliases: ['requestThrottleLimit'],
  }),
  integer('request_throttle_stall_time', 100, {
    ...later('P3', 'How long they wait at a time.'),
    aliases: ['requestThrottleStallTime'],
  }),
  flag('request_throttle_drop_stale', true, {
    ...later('P3', 'Drops requests whose connection is gone.'),
    aliases: ['requestThrottleDropStale'],
  }),
  flag('request_stale_latency_check', false, {
    ...later('P3', 'Late requests count as stale.'),
    aliases: ['requestStaleLatencyCheck'],
  }),
  flag('request_stale_connection_check', true, {
    ...later('P3', 'Requests of closed connections count as stale.'),
    aliases: ['requestStaleConnectionCheck'],
  }),
  integer(
    'request_throttler.shutdownTimeout',
    10_000,
    later('P3', 'How long stopping waits for them.'),
  ),
  integer('throttled_op_wait_time', 0, {
    ...later('P3', 'Refuses requests that waited longer.'),
    aliases: ['throttledOpWaitTime'],
  }),
  integer('largeRequestThreshold', -1, later('P3', 'From which size a request counts as large.')),
  integer('largeRequestMaxBytes', 104_857_600, later('P3', 'Bytes of large requests in work.')),
  integer('netty.server.outstandingHandshake.limit', -1, {
    ...later('P3', 'TLS handshakes in work.'),
    aliases: ['outstandingHandshake.limit'],
  }),
  flag(
    'netty.server.earlyDropSecureConnectionHandshakes',
    false,
    later('P3', 'Drops TLS connections while not serving.'),
  ),
  flag('netty.advancedFlowControl.enabled', false, {
    ...without('Another way of pausing connections.'),
    aliases: ['advancedFlowControlEnabled'],
  }),
  flag('client.portUnification', false, later('P3', 'TLS and plain on the client port.')),
  text('serverCnxnFactory', {
    reason: 'The Java class that handles connections; both known names are accepted.',
    priority: 'P2',
    support: 'no-effect',
  }),
  integer('nio.numSelectorThreads', 1, without('Threads.')),
  integer('nio.numWorkerThreads', 0, without('Threads.')),
  integer('nio.directBufferBytes', 65_536, without('Buffers.')),
  integer('nio.shutdownTimeout', 5_000, without('How long stopping waits for threads.')),
  integer('commitProcessor.numWorkerThreads', 0, without('Threads.')),
  integer('commitProcessor.maxReadBatchSize', -1, without('Reads between two commits.')),
  integer('commitProcessor.maxCommitBatchSize', 1, without('Commits between two reads.')),
  integer(
    'commitProcessor.shutdownTimeout',
    5_000,
    without('How long stopping waits for threads.'),
  ),
  integer(
    'maxResponseCacheSize',
    400,
    without('Encoded replies kept; a reply here is a few copies.'),
  ),
  integer('maxGetChildrenResponseCacheSize', 400, without('The same for lists of children.')),
  text('watchManagerName', without('The Java class that keeps watches.')),
  integer('watcherCleanThreadsNum', 2, without('Threads.')),
  integer('watcherCleanThreshold', 1_000, without('When dead watchers are cleaned up.')),
  integer('watcherCleanIntervalInSeconds', 600, without('How often they are.')),
  integer('maxInProcessingDeadWatchers', -1, without('How many may wait for it.')),
  integer('bitHashCacheSize', 10, without('A cache of that manager.')),
  family('pathStats.', later('P3', 'Logs the paths that are used most.')),
]

function later(priority: 'P2' | 'P3', reason: string) {
  return { reason, priority, support: 'later' } as const
}

/** Something inside ZooKeeper that has no counterpart here. */
function without(reason: string) {
  return { reason, priority: 'P3', support: 'no-effect' } as const
}

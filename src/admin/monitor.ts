// The `mntr` word: figures by name, one on each line, under the names of ZooKeeper's metrics. Only
// those are printed that have a meaning here; counters that cannot move are left out.

import type { EnsembleStatus } from './ensemble-status.ts'
import { maxFileDescriptorCount, openFileDescriptorCount } from './environment.ts'
import type { AdminFacts, AdminFigures, DurationFigures } from './facts.ts'
import { javaDouble } from './java-double.ts'
import type { ReplicaStatus } from '../core/replica/status.ts'

export interface MonitorSources {
  readonly status: ReplicaStatus
  readonly facts: AdminFacts
  readonly figures: AdminFigures
  /** Absent for a server that stands alone. */
  readonly ensemble?: EnsembleStatus
}

export function monitorLines(sources: MonitorSources): string {
  return figuresOf(sources)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `zk_${name}\t${value}\n`)
    .join('')
}

type Figure = readonly [name: string, value: string | number | null]

function figuresOf({ status, facts, figures, ensemble }: MonitorSources): readonly Figure[] {
  const { statistics } = status
  const average = statistics.latencySumMs / Math.max(1, statistics.latencyCount)
  return [
    ['version', facts.version],
    ['server_state', ensemble?.mode ?? 'standalone'],
    ...(ensemble === undefined ? [] : ensembleFigures(ensemble)),
    ['avg_latency', javaDouble(average)],
    ['max_latency', statistics.latencyMaxMs],
    ['min_latency', statistics.latencyMinMs],
    ['packets_received', statistics.received],
    ['packets_sent', statistics.sent],
    ['num_alive_connections', status.connectionCount],
    ['outstanding_requests', status.outstandingCount],
    ['uptime', figures.uptimeMs],
    ['znode_count', status.nodeCount],
    ['watch_count', status.watchCount],
    ['ephemerals_count', status.ephemeralCount],
    ['approximate_data_size', status.approximateDataBytes],
    ['global_sessions', status.sessionCount],
    ['local_sessions', ensemble?.localSessionCount ?? 0],
    ['open_file_descriptor_count', openFileDescriptorCount()],
    ['max_file_descriptor_count', maxFileDescriptorCount()],
    ['connection_rejected', figures.refusedConnectionCount],
    ['stale_sessions_expired', status.expiredCount],
    ['connection_drop_count', status.droppedConnectionCount],
    // A mistake that cannot be recovered from ends the process, and nobody is left to count it.
    ['unrecoverable_error_count', 0],
    ['digest_mismatches_count', status.digestMismatchCount],
    ...summary('readlatency', status.readLatency),
    ...percentiles('readlatency', status.readLatency),
    ...summary('updatelatency', status.updateLatency),
    ...percentiles('updatelatency', status.updateLatency),
    ...summary('fsynctime', figures.syncs),
    ...summary('snapshottime', figures.snapshots),
    ...summary('jvm_pause_time_ms', figures.pauses),
  ]
}

/** A server that is cut off knows nothing of its ensemble that would be worth a figure. */
function ensembleFigures(ensemble: EnsembleStatus): readonly Figure[] {
  const isReadOnly = ensemble.mode === 'read-only'
  return [
    ...(isReadOnly ? [] : placeFigures(ensemble)),
    ['looking_count', ensemble.lookCount],
    ...summary('election_time', ensemble.elections),
    ...summary('unavailable_time', ensemble.unavailable),
    ...summary('leader_unavailable_time', ensemble.leaderUnavailable),
  ]
}

function placeFigures(ensemble: EnsembleStatus): readonly Figure[] {
  return [
    ['peer_state', ensemble.peerState],
    ['quorum_size', ensemble.voterCount],
    ...leaderFigures(ensemble),
  ]
}

function leaderFigures({ leading }: EnsembleStatus): readonly Figure[] {
  if (leading === null) return []
  const { proposals } = leading
  return [
    ['learners', leading.learnerCount],
    // Its name before version 3.6, for which old dashboards ask.
    ['followers', leading.learnerCount],
    ['synced_followers', leading.syncedFollowerCount],
    ['synced_non_voting_followers', leading.syncedNonVotingFollowerCount],
    ['synced_observers', leading.syncedObserverCount],
    ['pending_syncs', leading.pendingSyncCount],
    ['leader_uptime', leading.uptimeMs],
    ['proposal_count', proposals.count],
    ['last_proposal_size', proposals.lastBytes],
    ['max_proposal_size', proposals.maxBytes],
    ['min_proposal_size', proposals.minBytes],
  ]
}

function percentiles(name: string, latency: ReplicaStatus['readLatency']): readonly Figure[] {
  return [
    [`p50_${name}`, latency.percentile(0.5)],
    [`p95_${name}`, latency.percentile(0.95)],
    [`p99_${name}`, latency.percentile(0.99)],
    [`p999_${name}`, latency.percentile(0.999)],
  ]
}

function summary(name: string, { count, sumMs, minMs, maxMs }: DurationFigures): readonly Figure[] {
  return [
    [`avg_${name}`, javaDouble(sumMs / Math.max(1, count))],
    [`min_${name}`, Math.floor(minMs)],
    [`max_${name}`, Math.floor(maxMs)],
    [`cnt_${name}`, count],
    [`sum_${name}`, Math.floor(sumMs)],
  ]
}

// What the code relies on, with the relations between the numbers asserted when it loads. What an
// operator may set is in `server/config`.

import { assert } from './assert.ts'

/** ZooKeeper's `jute.maxbuffer`: the largest frame that is accepted unless configured otherwise. */
export const FRAME_BYTES_MAX_DEFAULT = 1_048_575

/**
 * The largest field of a packet between servers: ZooKeeper 3.9 reads up to `jute.maxbuffer` and as
 * much again (`zookeeper.jute.maxbuffer.extrasize`), so that what a client may send fits with its
 * header. All identities of a packet together have the same limit.
 */
export const PEER_FIELD_BYTES_MAX_DEFAULT: number = 2 * FRAME_BYTES_MAX_DEFAULT

/**
 * What a leader may send ahead of what a learner can take up, while the learner's own disk is at
 * work; one that falls behind further starts over.
 */
export const LEARNER_BACKLOG_BYTES_MAX: number = 1 << 30

/**
 * What may wait for the disks of a quorum before a leader hangs up on a learner that asks for more.
 */
export const LEADER_WAITING_BYTES_MAX: number = 1 << 30

/** Output that may wait for a slow reader before we stop reading from it. */
export const OUTPUT_PAUSE_BYTES: number = 1 << 20

/** Output that may wait for a slow reader before its connection is closed. */
export const OUTPUT_CLOSE_BYTES: number = 64 << 20

/** Requests of one connection that may wait for an answer before we stop reading from it. */
export const OUTSTANDING_PER_CONNECTION_MAX = 10_000

/** Bytes of undecided requests that one connection may make us keep. */
export const QUEUED_BYTES_PER_CONNECTION_MAX: number = 16 << 20

/** Identities that one connection may show; each of them costs in every access list it names. */
export const IDENTITIES_PER_CONNECTION_MAX = 1_000

/** What one multiRead may answer: it can ask for the same large node any number of times. */
export const MULTI_READ_BYTES_MAX: number = 64 << 20

/** Watches that one connection may hold. */
export const WATCHES_PER_CONNECTION_MAX = 1_000_000

/** Links from other servers that one server holds at a time; an ensemble needs a few for each. */
export const PEER_LINKS_ACCEPTED_MAX = 1_000

/**
 * What a leader keeps for one learner that does not take it: transactions proposed while it is
 * being sent the whole database, above all. Beyond, it has to come again.
 */
export const LEARNER_QUEUE_BYTES_MAX: number = 256 << 20

assert(OUTPUT_PAUSE_BYTES < OUTPUT_CLOSE_BYTES, 'a slow reader is paused before it is closed')
assert(
  QUEUED_BYTES_PER_CONNECTION_MAX > 2 * FRAME_BYTES_MAX_DEFAULT,
  'one largest frame must never fill the queue',
)

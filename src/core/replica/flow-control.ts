// How much one connection may ask before it has to wait for answers, and how long a stranger may
// stay silent.

import {
  OUTSTANDING_PER_CONNECTION_MAX,
  QUEUED_BYTES_PER_CONNECTION_MAX,
} from '../../base/limits.ts'
import type { ClientConnection } from './client-connection.ts'

/** A connection that has not sent its handshake by then is closed. */
export const HANDSHAKE_MS_MAX = 10_000

/** Too much of what it asked is unanswered: stop reading from it. */
export const needsPause = (connection: ClientConnection): boolean =>
  connection.queue.length > OUTSTANDING_PER_CONNECTION_MAX ||
  connection.queuedBytes > QUEUED_BYTES_PER_CONNECTION_MAX ||
  // What is pipelined behind a handshake waits until the session is there.
  (connection.state === 'connecting' && connection.framer.heldBytes > EARLY_BYTES_MAX)

const EARLY_BYTES_MAX = 64 << 10

/** Half of it has been answered: go on reading. */
export const mayResume = (connection: ClientConnection): boolean =>
  connection.queue.length <= OUTSTANDING_PER_CONNECTION_MAX / 2 &&
  connection.queuedBytes <= QUEUED_BYTES_PER_CONNECTION_MAX / 2

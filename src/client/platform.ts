// What the client needs of the outside world. `node.ts` supplies the real thing; the simulator and
// the test kit supply theirs.

import type { Clock, Timers } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Random } from '../ports/random.ts'
import type { Transport } from '../ports/transport.ts'

export interface Platform {
  readonly transport: Transport
  readonly clock: Clock
  /** A delay of 0 means: after everything that is due in this turn. */
  readonly timers: Timers
  readonly random: Random
  readonly logger: Logger
}

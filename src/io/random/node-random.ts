// Randomness that nobody needs to foresee or to keep secret: it spreads load.

import type { Random } from '../../ports/random.ts'

export const nodeRandom: Random = {
  below: (bound) => Math.floor(Math.random() * bound),
}

// Where transactions are written: a few large arrays instead of one small one each. An entry
// points into its array, which lives as long as any of its entries.

import { JuteWriter } from '../jute/writer.ts'

export class TxnArena {
  readonly #writer = new JuteWriter(ARRAY_BYTES)

  /** The writer, at the place where the next transaction begins. */
  begin(): JuteWriter {
    // Leave the array behind rather than let a transaction grow it: growing copies all before it.
    if (this.#writer.position > ARRAY_BYTES - SPARE_BYTES) this.#writer.abandon(ARRAY_BYTES)
    return this.#writer
  }
}

const ARRAY_BYTES = 256 << 10
const SPARE_BYTES = 32 << 10

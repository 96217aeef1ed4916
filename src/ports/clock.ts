// Time, as the shells hand it in. The core never asks: it is told the moment with each input.

export interface Clock {
  /** Milliseconds that never go backwards; sessions and deadlines count in them. */
  nowMs(): number
  /** Milliseconds since 1970 by the wall clock; it may jump. Only what people see is stamped with it. */
  wallMs(): number
}

/** Later work for asynchronous shells (client, recipes, server). */
export interface Timers {
  /** Runs `task` once, `delayMs` from now; the returned function takes it back. */
  schedule(delayMs: number, task: () => void): () => void
}

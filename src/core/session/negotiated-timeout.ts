// What a client gets when it asks for a session timeout.

/** The requested timeout, brought within the server's limits (zero and below become the minimum). */
export const negotiatedTimeoutMs = (requestedMs: number, minMs: number, maxMs: number): number =>
  Math.min(Math.max(requestedMs, minMs), maxMs)

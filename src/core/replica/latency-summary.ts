// How long requests took, as counts of milliseconds: exact below 256, within a sixteenth above.
// Adding is one increment, so that every request can be counted; percentiles are worked out when
// somebody asks.

/** Below this, a bucket for each millisecond; above, sixteen for each doubling. */
const EXACT_MS = 256
const PER_DOUBLING = 16
/** Up to about four and a half hours; what took longer counts as that. */
const BUCKETS = EXACT_MS + 16 * PER_DOUBLING

export class LatencySummary {
  count = 0
  sumMs = 0
  minMs = 0
  maxMs = 0
  readonly #buckets = new Float64Array(BUCKETS)

  add(ms: number): void {
    if (this.count === 0 || ms < this.minMs) this.minMs = ms
    if (ms > this.maxMs) this.maxMs = ms
    this.sumMs += ms
    this.count++
    const bucket = bucketOf(ms)
    this.#buckets[bucket] = this.#buckets[bucket]! + 1
  }

  /** The least time within which this part (0 to 1) of the requests was done; 0 where there were none. */
  percentile(part: number): number {
    const wanted = Math.ceil(part * this.count)
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#buckets[bucket]!
      if (seen >= wanted && seen > 0) return Math.min(floorOf(bucket), this.maxMs)
    }
    return 0
  }

  reset(): void {
    this.count = 0
    this.sumMs = 0
    this.minMs = 0
    this.maxMs = 0
    this.#buckets.fill(0)
  }
}

function bucketOf(ms: number): number {
  if (ms < EXACT_MS) return Math.max(0, Math.floor(ms))
  return Math.min(BUCKETS - 1, EXACT_MS + Math.floor(PER_DOUBLING * Math.log2(ms / EXACT_MS)))
}

/** The least time that belongs to a bucket. */
function floorOf(bucket: number): number {
  if (bucket < EXACT_MS) return bucket
  return Math.floor(EXACT_MS * 2 ** ((bucket - EXACT_MS) / PER_DOUBLING))
}

/** How long clients waited for answers, since the start or the last reset. */
export interface Latencies {
  readonly read: LatencySummary
  readonly update: LatencySummary
}

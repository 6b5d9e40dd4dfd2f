/**
 * How long things took, by counts alone: nothing of a single one is kept. Sixteen buckets for each doubling, so what is
 * answered is at most 3 % off. `createHistogram` of node:perf_hooks takes ten times as long to record, and does not
 * tell its buckets, which is what Prometheus sums over processes.
 */

/** Up to 2^4 ticks a bucket each, then sixteen for each doubling. */
const STEPS_BITS = 4
const STEPS = 1 << STEPS_BITS
/** A sixteenth of a microsecond. */
const TICKS_PER_MS = 16_000
/** About two minutes; what takes longer counts as that. */
const MOST_TICKS = 2 ** 31 - 1
const BUCKETS = (31 - STEPS_BITS + 1) * STEPS

export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS)
  #count = 0
  #sum = 0
  #latest = 0
  #latestBucket = 0

  get count(): number {
    return this.#count
  }

  /** Milliseconds of all together. */
  get sum(): number {
    return this.#sum
  }

  record(milliseconds: number): void {
    const ticks = milliseconds * TICKS_PER_MS
    this.#latest = milliseconds
    this.#latestBucket = bucketOf(ticks < MOST_TICKS ? ticks | 0 : MOST_TICKS)
    this.repeat()
  }

  /** Another one that took as long as the latest. */
  repeat(): void {
    this.#counts[this.#latestBucket]!++
    this.#count++
    this.#sum += this.#latest
  }

  add(other: LatencyHistogram): void {
    if (other.#count === 0) return
    for (let i = 0; i < BUCKETS; i++) this.#counts[i]! += other.#counts[i]!
    this.#count += other.#count
    this.#sum += other.#sum
  }

  /** Milliseconds that so large a share took at most, 0 where there is none. @param share 0 to 1. */
  percentile(share: number): number {
    if (this.#count === 0) return 0
    const rank = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    let bucket = 0
    while (bucket < BUCKETS - 1) {
      seen += this.#counts[bucket]!
      if (seen >= rank) break
      bucket++
    }
    return (ticksBelow(bucket) + ticksBelow(bucket + 1)) / 2 / TICKS_PER_MS
  }

  /**
   * How many took less than each of these, in order. @param bounds Rising milliseconds, each a power of two of
   * microseconds: what lies between is counted with what is above it.
   */
  below(bounds: readonly number[]): number[] {
    let seen = 0
    let bucket = 0
    return bounds.map((bound) => {
      while (bucket < BUCKETS && ticksBelow(bucket + 1) <= bound * TICKS_PER_MS) seen += this.#counts[bucket++]!
      return seen
    })
  }
}

function bucketOf(ticks: number): number {
  if (ticks < STEPS) return ticks
  const doubling = 31 - Math.clz32(ticks) - STEPS_BITS
  return (doubling + 1) * STEPS + (ticks >> doubling) - STEPS
}

/** The least that falls into this bucket. */
function ticksBelow(bucket: number): number {
  if (bucket < STEPS) return bucket
  const doubling = Math.floor(bucket / STEPS) - 1
  return (STEPS + (bucket % STEPS)) * 2 ** doubling
}

/** Bucket n ends at 0.5 ms · 1.2ⁿ: from half a millisecond to 65 days. */
const firstMs = 0.5
const growth = 1.2
const buckets = 128
const logGrowth = Math.log(growth)

/**
 * Counts of durations in buckets that grow by a fifth. Two merge into exactly what one would have counted, and a quantile is
 * never told too short: it lies between the true one and 1.2 times that (durations below 0.5 ms read as 0.5 ms).
 */
export class Histogram {
  readonly #counts = new Float64Array(buckets)

  /** Takes what {@link toPairs} gave; what does not fit is passed over. */
  static fromPairs(pairs: readonly unknown[]): Histogram {
    const histogram = new Histogram()
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const [bucket, count] = [Number(pairs[at]), Number(pairs[at + 1])]
      if (Number.isInteger(bucket) && bucket >= 0 && bucket < buckets && count > 0)
        histogram.#counts[bucket]! += count
    }
    return histogram
  }

  add(ms: number, times = 1): void {
    this.#counts[bucketOf(ms)]! += times
  }

  merge(other: Histogram): void {
    for (const [bucket, count] of other.#counts.entries()) this.#counts[bucket]! += count
  }

  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  /** Upper end in ms of the bucket in which the quantile lies; null when nothing was counted. */
  quantile(share: number): number | null {
    const rank = Math.max(1, Math.ceil(this.total * share))
    let seen = 0
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count
      if (count > 0 && seen >= rank) return endOf(bucket)
    }
    return null
  }

  /** `[bucket, count, bucket, count, …]` of the buckets that hold anything. */
  toPairs(): number[] {
    const pairs: number[] = []
    for (const [bucket, count] of this.#counts.entries()) if (count > 0) pairs.push(bucket, count)
    return pairs
  }
}

const endOf = (bucket: number) => firstMs * growth ** bucket

function bucketOf(ms: number): number {
  if (!(ms > firstMs)) return 0
  // The logarithm of a bucket's end may come out a hair too large.
  return Math.min(buckets - 1, Math.ceil(Math.log(ms / firstMs) / logGrowth - 1e-9))
}

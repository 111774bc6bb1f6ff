import type { App } from '../platform/app.ts'
import { tooManyRequests } from '../platform/errors.ts'

interface Bucket {
  tokens: number
  filledAt: number
}

/** Buckets of the projects that sent lately. A full bucket says nothing, so those are dropped when there are many. */
const bucketsByApp = new WeakMap<App, Map<number, Bucket>>()
const sweepAbove = 10_000

/** A bucket holds this many seconds of the rate, for bursts. */
const burstSeconds = 5

/**
 * Token bucket per project. A request passes while any token is left and may leave the bucket in debt, so that a batch
 * larger than the bucket is possible and paid for by waiting afterwards.
 *
 * @throws {ApiError} 429 with the time until the debt is paid
 */
export function takeRate(app: App, projectId: number, count: number): void {
  const rate = app.config.ingestRate
  if (rate <= 0) return
  const now = app.now().getTime()
  const buckets = bucketsOf(app, rate, now)
  const bucket = buckets.get(projectId) ?? { tokens: rate * burstSeconds, filledAt: now }
  refill(bucket, rate, now)
  buckets.set(projectId, bucket)
  if (bucket.tokens <= 0) {
    const wait = Math.floor(-bucket.tokens / rate) + 1
    throw tooManyRequests(`This project may send ${rate} items a second; try again in ${wait} s`, wait)
  }
  bucket.tokens -= count
}

function refill(bucket: Bucket, rate: number, now: number) {
  const elapsedMs = Math.max(0, now - bucket.filledAt)
  bucket.tokens = Math.min(rate * burstSeconds, bucket.tokens + (elapsedMs / 1000) * rate)
  bucket.filledAt = now
}

function bucketsOf(app: App, rate: number, now: number): Map<number, Bucket> {
  let buckets = bucketsByApp.get(app)
  if (!buckets) bucketsByApp.set(app, (buckets = new Map()))
  if (buckets.size > sweepAbove) sweep(buckets, rate, now)
  return buckets
}

function sweep(buckets: Map<number, Bucket>, rate: number, now: number) {
  for (const [projectId, bucket] of buckets) {
    refill(bucket, rate, now)
    if (bucket.tokens >= rate * burstSeconds) buckets.delete(projectId)
  }
}

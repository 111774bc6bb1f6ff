import { type BenchJob, makeBatch, makeJob, type Spread } from './payload.ts'
import type { System } from './system.ts'

/** Batches that are under way at once: enough for every system to be busy while the next batch is made. */
const batchesAtOnce = 4

export interface Rate {
  jobs: number
  perSecond: number
}

/** Adds `jobs` jobs, numbered from 0, in batches. */
export async function fill(
  system: System,
  { jobs, batch = 1_000, spread, lane }: { jobs: number; batch?: number; spread: Spread; lane?: string },
): Promise<Rate> {
  return addBatches(system, (from, count) => makeBatch(from, count, spread, lane), batch, 0, jobs, 1e9)
}

/** Adds batches for `seconds`, after a warm-up of a quarter of that. */
export async function addInBulk(
  system: System,
  { seconds, batch, spread }: { seconds: number; batch: number; spread: Spread },
): Promise<Rate & { added: number }> {
  const forever = Number.MAX_SAFE_INTEGER
  const make = (from: number, count: number) => makeBatch(from, count, spread)
  const warm = await addBatches(system, make, batch, 0, forever, seconds / 4)
  const rate = await addBatches(system, make, batch, warm.jobs, forever, seconds)
  return { ...rate, added: warm.jobs + rate.jobs }
}

async function addBatches(
  system: System,
  make: (from: number, count: number) => BenchJob[],
  batch: number,
  from: number,
  until: number,
  seconds: number,
): Promise<Rate> {
  let next = from
  const startedAt = performance.now()
  const loop = async () => {
    while (next < until && performance.now() - startedAt < seconds * 1_000) {
      const first = next
      next = Math.min(until, first + batch)
      await system.addMany(make(first, next - first))
    }
  }
  await Promise.all(Array.from({ length: batchesAtOnce }, loop))
  return { jobs: next - from, perSecond: ((next - from) / (performance.now() - startedAt)) * 1_000 }
}

/** `producers` loops that each add one job after the other, for `seconds`, after a warm-up of a quarter of that. */
export async function addConcurrently(
  system: System,
  { seconds, producers, tenants }: { seconds: number; producers: number; tenants: number },
): Promise<Rate & { added: number }> {
  let next = 0
  const addFor = async (duration: number): Promise<Rate> => {
    const from = next
    const startedAt = performance.now()
    const loop = async () => {
      while (performance.now() - startedAt < duration * 1_000) {
        const n = next++
        await system.add(makeJob(n, `tenant-${n % tenants}`))
      }
    }
    await Promise.all(Array.from({ length: producers }, loop))
    return { jobs: next - from, perSecond: ((next - from) / (performance.now() - startedAt)) * 1_000 }
  }
  await addFor(seconds / 4)
  const rate = await addFor(seconds)
  return { ...rate, added: next }
}

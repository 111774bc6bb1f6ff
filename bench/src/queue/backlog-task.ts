import { setTimeout as sleep } from 'node:timers/promises'
import { postgresStore } from '@fairway/queue'
import { median } from '../report.ts'
import { benchLane, makeBatch, type Spread } from './payload.ts'
import type { System } from './system.ts'

const tickMs = 50

/** Adds as much as it works off, for `seconds`, so that what waits stays as it is. */
export async function keepBusy(
  system: System,
  { perSecond, seconds, spread, from }: { perSecond: number; seconds: number; spread: Spread; from: number },
): Promise<void> {
  const concurrency = 16
  const stop = await system.work(() => sleep((concurrency / perSecond) * 1_000), { concurrency })
  const perTick = (perSecond * tickMs) / 1_000
  for (let tick = 0; tick < (seconds * 1_000) / tickMs; tick++) {
    await Promise.all([sleep(tickMs), system.addMany(makeBatch(from + tick * perTick, perTick, spread))])
  }
  await stop()
}

/**
 * Median milliseconds of a claim of five pages, asked of the store itself: a worker asks for more or less as its handlers
 * need it. The pages stay leased.
 */
export async function claims(
  _system: System,
  { warmUp, count }: { warmUp: number; count: number },
  url: string,
): Promise<number> {
  const store = postgresStore({ connectionString: url })
  const worker = await store.openWorker(3_600_000)
  const request = {
    lane: benchLane,
    heads: 5,
    pagesPerHead: 1,
    maxBytes: 2 ** 24,
    slots: 16,
    skip: [],
  }
  const times: number[] = []
  let patience = 100
  for (let claim = 0; claim < warmUp + count; ) {
    const startedAt = performance.now()
    const pages = await store.claim(worker, [request])
    const took = performance.now() - startedAt
    if (pages.length === request.heads) {
      if (claim++ >= warmUp) times.push(took)
      continue
    }
    // Heads that another statement holds for the moment (what the last worker gave back comes in) are passed over.
    if (--patience === 0) throw new Error(`a claim found ${pages.length} pages of ${request.heads}`)
    await sleep(50)
  }
  await store.close()
  return median(times)
}

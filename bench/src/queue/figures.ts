import type { Lab } from './lab.ts'
import type { Spread } from './payload.ts'
import { addSeconds, drainJobs, drainLimitMs } from './sizes.ts'
import type { Kind } from './system.ts'
import type { Delivery } from './tally.ts'

/** Most bulk adds are one customer's import or campaign: each batch belongs to one of 100 tenants. */
export const oneTenantPerBatch: Spread = { tenants: 100, perTenant: 1_000 }
export const manyTenantsPerBatch: Spread = { tenants: 1_000, perTenant: 50 }

/** The plain rates of one run, in jobs a second. Sections that need the same one share it. */
export class Figures {
  readonly #lab: Lab
  readonly #known = new Map<string, Promise<unknown>>()

  constructor(lab: Lab) {
    this.#lab = lab
  }

  /** Adding in batches. */
  bulk(kind: Kind, spread = oneTenantPerBatch, batch = 1_000): Promise<number> {
    return this.#once(`bulk ${kind} ${spread.perTenant}`, () =>
      this.#lab.with(kind, async (subject) => {
        await subject.settle()
        const { added, perSecond } = await subject.run('addInBulk', {
          seconds: addSeconds,
          batch,
          spread,
        })
        await subject.expectStored(added)
        return perSecond
      }),
    )
  }

  /** Adding one by one: 64 producers that each wait for their add before the next. */
  single(kind: Kind, tenants = 10): Promise<number> {
    return this.#once(`single ${kind} ${tenants}`, () =>
      this.#lab.with(kind, async (subject) => {
        await subject.settle()
        const { added, perSecond } = await subject.run('addConcurrently', {
          seconds: addSeconds,
          producers: 64,
          tenants,
        })
        await subject.expectStored(added)
        return perSecond
      }),
    )
  }

  /** Working off what waits, with a handler per job that does nothing. */
  process(kind: Kind, jobs = drainJobs[kind], spread = oneTenantPerBatch, batch = 1_000) {
    return this.#once(`process ${kind} ${spread.perTenant}`, () =>
      this.#lab.with(kind, async (subject): Promise<Delivery & { perSecond: number; left: number }> => {
        await subject.run('warmUp', { jobs: Math.ceil(jobs / 10), spread })
        await subject.run('fill', { jobs, batch, spread })
        await subject.settle()
        return subject.run('drain', { jobs, limitMs: drainLimitMs })
      }),
    )
  }

  #once<Value>(key: string, measure: () => Promise<Value>): Promise<Value> {
    const known = this.#known.get(key) as Promise<Value> | undefined
    const value = known ?? measure()
    this.#known.set(key, value)
    return value
  }
}

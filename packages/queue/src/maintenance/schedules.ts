import { Cron } from 'croner'
import { InvalidJob } from '../api/errors.ts'
import { limits } from '../api/limits.ts'
import type { JobInput, Schedule } from '../api/types.ts'
import { encodeJob } from '../pages/encode-job.ts'
import { splitByDueTime } from '../pages/pack-pages.ts'
import type { Store, StoredSchedule } from '../stores/store.ts'

const maxIdLength = 40

/**
 * Repeating jobs. Every process looks; the store moves a schedule on and adds its job in one step, only from the time that
 * the process saw: so each time fires once, however many processes see it. Times that passed while nobody looked fire once.
 */
export class Schedules {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async save(id: string, schedule: Schedule): Promise<void> {
    if (typeof id !== 'string' || id.length === 0 || id.length > maxIdLength)
      throw new InvalidJob('id', `The schedule's id must have 1 to ${maxIdLength} characters`)
    // Times of its own would be those of its first job for ever.
    if (typeof schedule?.job !== 'object' || schedule.job === null)
      throw new InvalidJob('job', 'A schedule needs a job')
    for (const field of ['runAt', 'deadline'] as const)
      if (schedule.job[field] !== undefined)
        throw new InvalidJob(field, `The job of a schedule can't have ${field}`)
    const now = this.#store.now()
    encodeJob(schedule.job, now)
    const nextAt = nextTime(schedule, now)
    if (nextAt === undefined) throw new InvalidJob('cron', `"${schedule.cron}" never comes again`)
    await this.#store.saveSchedule({ id, spec: JSON.stringify(schedule), nextAt })
  }

  async list(): Promise<(Schedule & { id: string; nextAt: Date })[]> {
    const stored = await this.#store.schedules()
    return stored.map((one) => ({ ...parse(one), id: one.id, nextAt: new Date(one.nextAt) }))
  }

  remove(id: string): Promise<boolean> {
    return this.#store.removeSchedule(id)
  }

  /** Adds the jobs whose time has come. Returns how many this process added and when the next is due (epoch ms). */
  async fireDue(): Promise<{ fired: number; nextAt: number | undefined }> {
    const now = this.#store.now()
    let fired = 0
    let nextAt: number | undefined
    for (const stored of await this.#store.schedules()) {
      const next = stored.nextAt > now ? stored.nextAt : await this.#fire(stored, now, () => fired++)
      nextAt = Math.min(nextAt ?? next, next)
    }
    return { fired, nextAt }
  }

  async #fire(stored: StoredSchedule, now: number, onFired: () => void): Promise<number> {
    const schedule = parse(stored)
    // One that never comes again stays in the list, with a time that is never reached.
    const next = nextTime(schedule, now) ?? Number.MAX_SAFE_INTEGER
    const job = encodeJob({ ...schedule.job, id: `${stored.id}@${stored.nextAt.toString(36)}` }, now)
    if (await this.#store.fire(stored.id, stored.nextAt, next, splitByDueTime([job]))) onFired()
    return next
  }
}

const parse = ({ spec }: StoredSchedule) => JSON.parse(spec) as Schedule & { job: JobInput }

/** The first time after `after`, epoch ms. Intervals are counted from 1970, so that every process has the same. */
function nextTime({ cron, everyMs, timezone }: Schedule, after: number): number | undefined {
  if (everyMs !== undefined) {
    if (!(typeof everyMs === 'number' && everyMs >= 1_000 && everyMs <= limits.delayMs))
      throw new InvalidJob('everyMs', `An interval must be a number of ms from 1,000 to ${limits.delayMs}`)
    return (Math.floor(after / everyMs) + 1) * everyMs
  }
  try {
    return new Cron(cron ?? '', { timezone: timezone ?? 'UTC', paused: true })
      .nextRun(new Date(after))
      ?.getTime()
  } catch (error) {
    throw new InvalidJob(
      cron ? 'cron' : 'everyMs',
      `Give a cron expression or everyMs: ${(error as Error).message}`,
    )
  }
}

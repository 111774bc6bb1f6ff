import { expect } from 'vitest'
import { decodeBody, type JobRecord } from '../../src/pages/job-record.ts'
import { isExclusive } from '../../src/pages/streams.ts'
import type { ClaimedPage, Settlement } from '../../src/stores/store.ts'
import { emptySettlement, ending, pageOf, refOf } from './conformance/scene.ts'
import type { Harness } from './conformance.ts'

export type Step =
  | { do: 'append'; tenant: number; jobs: number; stream: string; later: boolean }
  | { do: 'appendUnique'; tenant: number; stream: string; key: number }
  | { do: 'claim'; worker: number }
  | { do: 'finish' | 'finishPart'; worker: number; page: number; replay: boolean }
  | { do: 'retry'; worker: number; page: number; replay: boolean; later: boolean }
  | { do: 'cancel'; job: number }
  | { do: 'die'; worker: number }
  | { do: 'promote' }
  | { do: 'collect' }

interface Worker {
  id: number
  settlements: number
  pages: Held[]
}

/** A page in the hands of a worker, with the positions that are still to be settled. */
interface Held {
  page: ClaimedPage
  records: JobRecord[]
  open: number[]
  /** Ids that were cancelled before the page was claimed: they are dropped and not run. */
  dropped: Set<string>
}

/** Plays steps against a store and keeps the ledger of what must have become of each job. */
export class History {
  readonly #harness: Harness
  readonly #lane: string
  readonly #added = new Map<string, { tenant: string; stream: string }>()
  /** Ran to its end, or was cancelled and dropped. */
  readonly #settled = new Set<string>()
  readonly #cancelled = new Set<string>()
  /** Ids of each key in the order of adding. */
  readonly #keys = new Map<string, string[]>()
  readonly #unique = new Map<string, { id: string; until: number }>()
  readonly #workers: Worker[] = []

  constructor(harness: Harness, lane: string) {
    this.#harness = harness
    this.#lane = lane
  }

  get #store() {
    return this.#harness.store
  }

  async play(steps: Step[]): Promise<void> {
    for (let n = 0; n < 3; n++) this.#workers.push(await this.#newWorker())
    for (const step of steps) await this.#take(step)
    await this.#finishAll()
    expect([...this.#settled].sort()).toEqual([...this.#added.keys()].sort())
    const nothing = { waitingJobs: 0, scheduledJobs: 0, leasedJobs: 0 }
    const stats = (await this.#store.stats()).find(({ lane }) => lane === this.#lane)
    expect(stats ?? nothing).toMatchObject(nothing)
    for (const { id } of this.#workers) await this.#store.closeWorker(id)
  }

  async #newWorker(): Promise<Worker> {
    return { id: await this.#store.openWorker(600_000), settlements: 0, pages: [] }
  }

  async #take(step: Step): Promise<void> {
    if (step.do === 'append') await this.#append(step)
    else if (step.do === 'appendUnique') await this.#appendUnique(step)
    else if (step.do === 'cancel') await this.#cancel(step.job)
    else if (step.do === 'collect') await this.#store.collect()
    else if (step.do === 'promote') {
      this.#harness.advance(1_000)
      await this.#store.promote(100)
    } else if (step.do === 'die') await this.#die(step.worker)
    else {
      const worker = this.#workers[step.worker]!
      if (step.do === 'claim') await this.#claim(worker)
      else if (worker.pages.length > 0) {
        const held = worker.pages[step.page % worker.pages.length]!
        if (step.do === 'finish') await this.#finish(worker, held, step.replay)
        if (step.do === 'finishPart') await this.#finishPart(worker, held, step.replay)
        if (step.do === 'retry') await this.#retry(worker, held, step)
      }
    }
  }

  // --- producers

  #newId(tenant: string, stream: string): string {
    const id = `${this.#lane}-${this.#added.size}`
    this.#added.set(id, { tenant, stream })
    if (isExclusive(stream)) {
      const key = `${tenant} ${stream}`
      this.#keys.set(key, [...(this.#keys.get(key) ?? []), id])
    }
    return id
  }

  async #append({ tenant, jobs, stream, later }: Step & { do: 'append' }): Promise<void> {
    const ids = Array.from({ length: jobs }, () => this.#newId(`t${tenant}`, stream))
    const records = ids.map((id): JobRecord => [id, 'job', null])
    // The order of a key is that of adding; what is added for later has another.
    const due = later && !isExclusive(stream) ? { dueAt: this.#store.now() + 1_000 } : {}
    await this.#store.append([pageOf(this.#lane, `t${tenant}`, records, { stream, ...due })])
  }

  async #appendUnique({ tenant, stream, key }: Step & { do: 'appendUnique' }): Promise<void> {
    const name = `t${tenant} ${key}`
    const holder = this.#unique.get(name)
    const now = this.#store.now()
    const taken = holder && holder.until > now ? holder : undefined
    const id = taken ? `${this.#lane}-not-to-be-stored` : this.#newId(`t${tenant}`, stream)
    const unique = { key: `u${key}`, id, until: now + 1_500 }
    const page = pageOf(this.#lane, `t${tenant}`, [[id, 'job', null]], { stream, unique })
    const { duplicates } = await this.#store.append([page])
    expect(duplicates).toEqual(taken ? [{ page, id: taken.id }] : [])
    if (!taken) this.#unique.set(name, unique)
  }

  async #cancel(choice: number): Promise<void> {
    const open = [...this.#added.keys()].filter((id) => !this.#settled.has(id))
    const id = open[choice % Math.max(1, open.length)]
    if (id === undefined) return
    await this.#store.cancel([{ lane: this.#lane, tenant: this.#added.get(id)!.tenant, id }])
    this.#cancelled.add(id)
  }

  // --- workers

  async #claim(worker: Worker): Promise<number> {
    const pages = await this.#store.claim(worker.id, [
      { lane: this.#lane, heads: 2, pagesPerHead: 2, maxBytes: 1e6, slots: 2, skip: [] },
    ])
    for (const page of pages) {
      const records = decodeBody(page.body)
      expect(page).toMatchObject({ jobs: records.length, bytes: Buffer.byteLength(page.body) })
      const open = records.map((_, position) => position).filter((position) => !page.done.includes(position))
      const held: Held = { page, records, open, dropped: await this.#marks(page, records) }
      this.#check(held)
      worker.pages.push(held)
    }
    return pages.length
  }

  /** The ids of a page that are to be dropped. */
  async #marks({ cancels, lane, tenant }: ClaimedPage, records: JobRecord[]): Promise<Set<string>> {
    const marks = cancels ? await this.#store.cancelled({ lane, tenant }) : []
    const marked = new Set(marks.map(({ id }) => id))
    for (const [id] of records)
      if (this.#cancelled.has(id)) expect(marked.has(id), `${id} was cancelled, and is not marked`).toBe(true)
    return marked
  }

  #check(held: Held): void {
    const { stream, tenant } = held.page
    const others = this.#workers.flatMap(({ pages }) => pages)
    const elsewhere = new Set(others.flatMap((other) => idsOf(other)))
    for (const id of idsOf(held)) {
      expect(this.#settled.has(id), `${id} runs again`).toBe(false)
      expect(elsewhere.has(id), `${id} is in two hands`).toBe(false)
      expect(this.#added.get(id), `where ${id} came from`).toEqual({ tenant, stream })
    }
    if (!isExclusive(stream)) return
    const rival = others.find(({ page }) => page.stream === stream && page.tenant === tenant)
    expect(rival, `two pages of ${tenant} ${stream} are leased`).toBeUndefined()
    const due = this.#keys.get(`${tenant} ${stream}`)!.filter((id) => !this.#settled.has(id))
    expect(idsOf(held), `the order of ${tenant} ${stream}`).toEqual(due.slice(0, held.open.length))
  }

  async #settle(worker: Worker, part: Partial<Settlement>, replay = false): Promise<Set<number>> {
    const settlement = { ...emptySettlement(worker.id, ++worker.settlements), ...part }
    const held = await this.#store.settle(settlement)
    if (replay) expect(await this.#store.settle(settlement)).toEqual(held)
    return held
  }

  async #finish(worker: Worker, held: Held, replay = false): Promise<void> {
    const ids = idsOf(held)
    const part = { finished: [refOf(held.page)], cancelled: this.#dropped(held, ids) }
    const leases = await this.#settle(worker, { ...part, ...this.#ending(worker, held) }, replay)
    expect(leases).toEqual(new Set([held.page.lease]))
    for (const id of ids) this.#settled.add(id)
  }

  async #finishPart(worker: Worker, held: Held, replay: boolean): Promise<void> {
    if (held.open.length < 2) return
    const position = held.open.shift()!
    const id = held.records[position]![0]
    const part = {
      partial: [{ ...refOf(held.page), positions: [position] }],
      cancelled: this.#dropped(held, [id]),
    }
    expect(await this.#settle(worker, part, replay)).toEqual(new Set([held.page.lease]))
    this.#settled.add(id)
  }

  /** The first job failed and the others were not reached: all come back, those of a key to their place. */
  async #retry(
    worker: Worker,
    held: Held,
    { later, replay }: { later: boolean; replay: boolean },
  ): Promise<void> {
    const { page, dropped } = held
    const { lane, tenant, stream, lease, firstAt } = page
    const gone = idsOf(held).filter((id) => dropped.has(id))
    const again = held.open
      .map((position) => held.records[position]!)
      .filter(([id]) => !dropped.has(id))
      .map(([id, name, data, made = 0], index): JobRecord => [id, name, data, index === 0 ? made + 1 : made])
    const at = this.#store.now() + (later ? 1_000 : 0)
    const left = pageOf(lane, tenant, again, { stream, firstAt })
    const part: Partial<Settlement> = { cancelled: this.#dropped(held, gone) }
    if (again.length > 0 && isExclusive(stream))
      part.restore = [{ ...refOf(page), ...left, firstAt, openAt: at }]
    else {
      part.finished = [refOf(page)]
      if (again.length > 0) part.reschedule = [{ ...left, lease, dueAt: at }]
    }
    await this.#settle(worker, { ...part, ...this.#ending(worker, held) }, replay)
    for (const id of gone) this.#settled.add(id)
  }

  /** Takes the page out of the worker's hands: what a settlement says if it was the last of its lease. */
  #ending(worker: Worker, held: Held): Partial<Settlement> {
    worker.pages = worker.pages.filter((one) => one !== held)
    return worker.pages.some(({ page }) => page.lease === held.page.lease) ? {} : ending([held.page])
  }

  #dropped({ page, dropped }: Held, ids: string[]): Settlement['cancelled'] {
    const { lane, tenant } = page
    return ids.filter((id) => dropped.has(id)).map((id) => ({ lane, tenant, id }))
  }

  async #die(index: number): Promise<void> {
    const dead = this.#workers[index]!
    await this.#harness.expire(dead.id)
    await this.#store.reap({ maxAttempts: 1_000 })
    this.#workers[index] = await this.#newWorker()
    // What the dead one still believed to hold must not count.
    for (const { page, records } of dead.pages) {
      const { lane, tenant } = page
      const cancelled = records.map(([id]) => ({ lane, tenant, id }))
      const part = { finished: [refOf(page)], cancelled, ...ending([page]) }
      expect(await this.#settle(dead, part)).toEqual(new Set())
    }
  }

  /** Everything left must come out exactly once now. */
  async #finishAll(): Promise<void> {
    for (const worker of this.#workers) for (const held of [...worker.pages]) await this.#finish(worker, held)
    const [worker] = this.#workers
    for (let quiet = 0; quiet < 2; ) {
      this.#harness.advance(2_000)
      const { jobs } = await this.#store.promote(1_000)
      const claimed = await this.#claim(worker!)
      for (const held of [...worker!.pages]) await this.#finish(worker!, held)
      quiet = jobs + claimed === 0 ? quiet + 1 : 0
    }
  }
}

const idsOf = ({ records, open }: Held): string[] => open.map((position) => records[position]![0])

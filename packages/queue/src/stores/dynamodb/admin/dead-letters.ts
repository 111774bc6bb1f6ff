import type { DeadLetter, DeadLetterFilter, DeadLetterQuery } from '../../../api/types.ts'
import { encodeRecord, freshRecord } from '../../../pages/job-record.ts'
import { packPages } from '../../../pages/pack-pages.ts'
import type { NewPage } from '../../../pages/page.ts'
import type { DeadJob } from '../../store.ts'
import { inBatches, type Table } from '../client/table.ts'
import type { Appender } from '../intake/appender.ts'
import type { Blobs } from '../items/blobs.ts'
import type { Bodies } from '../items/bodies.ts'
import { keys, shardOf } from '../keys.ts'
import type { Effects } from '../shard/operations.ts'
import {
  deadLetterOf,
  deadLetterOfRow,
  deadLetterRow,
  deadLetterSortKey,
  isNewer,
  keyOfRef,
  nameOfEntry,
  type StoredDeadLetter,
  timeKey,
} from './dead-letter-items.ts'

/** Letters that go back to the queue in one transaction, at most; it takes a hundred items. */
const retriedAtOnce = 90
const pageSize = 100

/** Jobs that failed for good. */
export class DeadLetters {
  readonly #table: Table
  readonly #shards: number
  readonly #bodies: Bodies
  readonly #blobs: Blobs
  readonly #appender: () => Appender
  readonly #now: () => number

  constructor(
    table: Table,
    shards: number,
    parts: { bodies: Bodies; blobs: Blobs; appender: () => Appender; now: () => number },
  ) {
    this.#table = table
    this.#shards = shards
    this.#bodies = parts.bodies
    this.#blobs = parts.blobs
    this.#appender = parts.appender
    this.#now = parts.now
  }

  /** What a shard's owner recorded as dead. A second time changes nothing. */
  async bury(shard: number, { letters, diedAt }: Effects): Promise<void> {
    const places = letters.map(({ item, entry }) => ({ parts: [{ item, entry, jobs: 1, bytes: 0 }] }))
    const bodies = await this.#bodies.readAvailable(shard, places)
    await this.#store(
      letters.flatMap(({ item, entry }, n) => {
        const body = bodies[n]
        if (body === undefined) return []
        const job = { ...(JSON.parse(body) as DeadJob), diedAt }
        return [{ job, sk: deadLetterSortKey(diedAt, nameOfEntry(item, entry)) }]
      }),
    )
  }

  /** A letter from another store; `name` tells it from all others of its time. */
  async add(job: DeadJob & { diedAt: number }, name: string): Promise<void> {
    await this.#store([{ job, sk: deadLetterSortKey(job.diedAt, name) }])
  }

  async find(query: DeadLetterQuery): Promise<DeadLetter[]> {
    const { refs, limit, withData = true } = query
    const after = query.after === undefined ? undefined : keyOfRef(query.after)
    const matches = matcher(query, after)
    const found = refs ? (await this.#read(refs)).filter(matches) : await this.#search(query, after, matches)
    const letters = found.sort((a, b) => (isNewer(a, b) ? -1 : 1)).slice(0, limit)
    if (!withData) return letters.map((letter) => deadLetterOf(letter))
    const data = await this.dataOf(letters)
    return letters.map((letter) => deadLetterOf(letter, data.get(letter)!))
  }

  async #read(refs: string[]): Promise<StoredDeadLetter[]> {
    const rows = await this.#table.getMany(refs.flatMap((ref) => keyOfRef(ref) ?? []))
    return rows.map(deadLetterOfRow)
  }

  /** Of each shard the newest that match, at least `limit` of them if there are so many. */
  async #search(
    { limit, tenant, before }: DeadLetterQuery,
    after: { sk: string } | undefined,
    matches: (letter: StoredDeadLetter) => boolean,
  ): Promise<StoredDeadLetter[]> {
    const until = after ? after.sk : before === undefined ? undefined : timeKey(Date.parse(before))
    const shards = tenant === undefined ? [...Array(this.#shards).keys()] : [shardOf(tenant, this.#shards)]
    const found = await Promise.all(
      shards.map(async (shard) => {
        const own: StoredDeadLetter[] = []
        for await (const page of this.#pages(shard, until, true)) {
          own.push(...page.filter(matches))
          if (own.length >= limit) break
        }
        return own
      }),
    )
    return found.flat()
  }

  /** Oldest first, over all shards. */
  async oldest(limit: number): Promise<StoredDeadLetter[]> {
    const firsts = await Promise.all(
      [...Array(this.#shards).keys()].map((shard) =>
        this.#table.query({ pk: keys.deadLetters(shard), limit }),
      ),
    )
    return firsts
      .flat()
      .map(deadLetterOfRow)
      .sort((a, b) => (isNewer(a, b) ? 1 : -1))
      .slice(0, limit)
  }

  /** JSON text of what they carried. */
  async dataOf(letters: StoredDeadLetter[]): Promise<Map<StoredDeadLetter, string>> {
    const wanted = letters.flatMap(({ blob }) => blob ?? [])
    const blobs = new Map(
      (wanted.length > 0 ? await this.#blobs.read(wanted) : []).map(({ id, data }) => [id, data]),
    )
    return new Map(letters.map((letter) => [letter, (letter.blob && blobs.get(letter.blob)) ?? letter.data]))
  }

  /** Takes letters out and appends their jobs, both or neither. Returns how many there were. */
  async retry(wanted: { ref: string; dueAt: number }[]): Promise<number> {
    let count = 0
    for (const batch of inBatches([...new Map(wanted.map((one) => [one.ref, one])).values()], retriedAtOnce))
      for (let done = false; !done; ) {
        const places = batch.flatMap(({ ref, dueAt }) => {
          const place = keyOfRef(ref)
          return place ? [{ ...place, dueAt }] : []
        })
        const rows = new Map(
          (await this.#table.getMany(places)).map((row) => [`${row.pk}|${row.sk}`, deadLetterOfRow(row)]),
        )
        const there = places.flatMap((place) => {
          const letter = rows.get(`${place.pk}|${place.sk}`)
          return letter ? [{ letter, dueAt: place.dueAt }] : []
        })
        if (there.length === 0) break
        const data = await this.dataOf(there.map(({ letter }) => letter))
        const pages = there.flatMap(({ letter, dueAt }) => pagesOf(letter, dueAt, data.get(letter)!))
        const outcome = await this.#appender().append(pages, (commit) =>
          this.#table.transact([
            commit,
            ...there.map(({ letter: { shard, sk } }) => ({
              delete: keys.deadLetter(shard, sk),
              when: { text: 'attribute_exists(pk)' },
            })),
          ]),
        )
        // One of them went meanwhile: once more with those that are left.
        done = outcome !== undefined
        if (!done) continue
        count += there.length
        await this.#count(
          there.map(({ letter }) => letter),
          -1,
        )
      }
    return count
  }

  async discard(refs: string[]): Promise<number> {
    return this.#discard(refs.flatMap((ref) => keyOfRef(ref) ?? []))
  }

  /** Removes the oldest beyond these limits. */
  async retain({ maxAgeMs, maxBytes }: { maxAgeMs: number; maxBytes: number }): Promise<number> {
    let count = 0
    const oldest = timeKey(this.#now() - maxAgeMs)
    for (const shard of Array(this.#shards).keys())
      for await (const page of this.#pages(shard, oldest, false)) count += await this.#discard(page)
    let bytes = (await this.counts()).reduce((sum, lane) => sum + lane.bytes, 0)
    while (bytes > maxBytes) {
      const letters = await this.oldest(pageSize)
      if (letters.length === 0) break
      const excess: StoredDeadLetter[] = []
      for (const letter of letters) {
        if (bytes <= maxBytes) break
        excess.push(letter)
        bytes -= letter.bytes
      }
      count += await this.#discard(excess)
    }
    return count
  }

  async purge(tenant: string): Promise<number> {
    let count = 0
    for await (const page of this.#pages(shardOf(tenant, this.#shards), undefined, false))
      count += await this.#discard(page.filter((letter) => letter.tenant === tenant))
    return count
  }

  async counts(): Promise<{ lane: string; jobs: number; bytes: number }[]> {
    const rows = await this.#table.query({ pk: keys.letterCounts() })
    return rows.map((row) => ({ lane: row.sk, jobs: Number(row.jobs), bytes: Number(row.bytes) }))
  }

  async *#pages(
    shard: number,
    until: string | undefined,
    backwards: boolean,
  ): AsyncGenerator<StoredDeadLetter[]> {
    // ':' comes after all digits.
    const between: [string, string] = ['0', until ?? ':']
    const range = { pk: keys.deadLetters(shard), between, backwards }
    for await (const rows of this.#table.pages(range)) yield rows.map(deadLetterOfRow)
  }

  async #store(letters: { job: DeadJob & { diedAt: number }; sk: string }[]): Promise<void> {
    const blobs = letters.flatMap(({ job }) => job.blob ?? [])
    const sizes = new Map(
      (blobs.length > 0 ? await this.#blobs.read(blobs) : []).map(({ id, data }) => [
        id,
        Buffer.byteLength(data),
      ]),
    )
    const added = await Promise.all(
      letters.map(async ({ job, sk }) => {
        const row = deadLetterRow(shardOf(job.tenant, this.#shards), sk, job, sizes.get(job.blob ?? '') ?? 0)
        const written = await this.#table.tryPut(row, { text: 'attribute_not_exists(pk)' })
        return written.ok ? [deadLetterOfRow(row)] : []
      }),
    )
    await this.#count(added.flat(), 1)
  }

  async #discard(places: { shard: number; sk: string }[]): Promise<number> {
    const gone = (
      await Promise.all(places.map(({ shard, sk }) => this.#table.delete(keys.deadLetter(shard, sk))))
    ).flatMap((row) => (row ? [deadLetterOfRow(row)] : []))
    await this.#count(gone, -1)
    await this.#blobs.delete(gone.flatMap(({ blob }) => blob ?? []))
    return gone.length
  }

  /** Per lane, so that statistics and retention need not read all letters. */
  async #count(letters: StoredDeadLetter[], sign: 1 | -1): Promise<void> {
    const lanes = new Map<string, { jobs: number; bytes: number }>()
    for (const { lane, bytes } of letters) {
      const sum = lanes.get(lane) ?? { jobs: 0, bytes: 0 }
      lanes.set(lane, { jobs: sum.jobs + sign, bytes: sum.bytes + sign * bytes })
    }
    await Promise.all(
      [...lanes].map(([lane, { jobs, bytes }]) =>
        this.#table.update(keys.letterCount(lane), {
          text: 'ADD #jobs :jobs, #bytes :bytes',
          values: { ':jobs': jobs, ':bytes': bytes },
        }),
      ),
    )
  }
}

function matcher(
  filter: DeadLetterFilter,
  after: { shard: number; sk: string } | undefined,
): (letter: StoredDeadLetter) => boolean {
  const { lane, tenant, name } = filter
  const reason = filter.reason?.toLowerCase()
  const before = filter.before === undefined ? Number.POSITIVE_INFINITY : Date.parse(filter.before)
  return (letter) =>
    (lane === undefined || letter.lane === lane) &&
    (tenant === undefined || letter.tenant === tenant) &&
    (name === undefined || letter.name === name) &&
    (reason === undefined || letter.reason.toLowerCase().includes(reason)) &&
    letter.diedAt < before &&
    (after === undefined || isNewer(after, letter))
}

/** Each job starts again with all its attempts, as an ordinary one. */
function pagesOf({ id, lane, tenant, name, blob }: StoredDeadLetter, dueAt: number, data: string): NewPage[] {
  const record = encodeRecord(
    freshRecord(id, name, blob === undefined ? { json: data } : { blob, bytes: Buffer.byteLength(data) }),
  )
  const job = { lane, tenant, stream: '', record, bytes: Buffer.byteLength(record) }
  return packPages([job]).map((page) => ({ ...page, dueAt }))
}

import type { NewPage } from '../../../pages/page.ts'
import type { Appended, SectionValues } from '../../store.ts'
import type { Row } from '../client/rows.ts'
import type { Table } from '../client/table.ts'
import { keys, shardOf, uniqueParts } from '../keys.ts'
import type { Commits } from './commits.ts'

type UniquePage = NewPage & { unique: NonNullable<NewPage['unique']> }

/**
 * Who took a unique key, and until when. A key is taken on behalf of an append: it counts only if that was committed, so that
 * a producer that dies in between does not keep others from adding the job.
 */
export class UniqueKeys {
  readonly #table: Table
  readonly #commits: Commits
  readonly #shards: number

  constructor(table: Table, commits: Commits, shards: number) {
    this.#table = table
    this.#commits = commits
    this.#shards = shards
  }

  /** Takes the keys of pages for the append `commit`. Returns the pages that came too late. */
  async take(pages: NewPage[], commit: string, now: number): Promise<Appended['duplicates']> {
    const first = new Map<string, UniquePage>()
    const later: { page: UniquePage; first: UniquePage }[] = []
    for (const page of pages) {
      if (!isUnique(page)) continue
      const name = JSON.stringify([page.lane, page.tenant, page.unique.key])
      const known = first.get(name)
      // Of pages with the same key in one append the first wins.
      if (known) later.push({ page, first: known })
      else first.set(name, page)
    }
    const taken = await Promise.all(
      [...first.values()].map(async (page) => ({ page, holder: await this.#takeOne(page, commit, now) })),
    )
    const holders = new Map(taken.map(({ page, holder }) => [page, holder]))
    return [
      ...taken.flatMap(({ page, holder }) => (holder === undefined ? [] : [{ page, id: holder }])),
      ...later.map(({ page, first }) => ({ page, id: holders.get(first) ?? first.unique.id })),
    ]
  }

  /** Those that are taken. */
  async holders(
    keysOfJobs: { lane: string; tenant: string; key: string }[],
    now: number,
  ): Promise<SectionValues['unique'][]> {
    const places = keysOfJobs.map(({ lane, tenant, key }) =>
      keys.unique(shardOf(tenant, this.#shards), lane, tenant, key),
    )
    const found: SectionValues['unique'][] = []
    for (const row of await this.#table.getMany(places)) {
      if (Number(row.until) <= now) continue
      const { commit } = row
      if (commit !== undefined && (await this.#commits.settled(String(commit), now)) !== 'committed') continue
      const { lane, tenant, key, id, until } = row as unknown as SectionValues['unique']
      found.push({ lane, tenant, key, id, until: Number(until) })
    }
    return found
  }

  /** A row that holds a key for good, whatever append it came with. */
  row({
    lane,
    tenant,
    key,
    id,
    until,
  }: {
    lane: string
    tenant: string
    key: string
    id: string
    until: number
  }): Row {
    const place = keys.unique(shardOf(tenant, this.#shards), lane, tenant, key)
    return { ...place, lane, tenant, key, id, until, ttl: Math.ceil(until / 1_000) }
  }

  async purge(tenant: string): Promise<void> {
    const shard = shardOf(tenant, this.#shards)
    const prefix = keys.unique(shard, '', tenant, '').sk.split('#', 1)[0]!
    for (let part = 0; part < uniqueParts; part++)
      await this.#table.deleteMany(await this.#table.query({ pk: keys.uniques(shard, part), prefix }))
  }

  /** The id of the job that holds the key; undefined if it is taken now. */
  async #takeOne(
    { lane, tenant, unique }: UniquePage,
    commit: string,
    now: number,
  ): Promise<string | undefined> {
    const row = { ...this.row({ lane, tenant, ...unique }), commit }
    let aborted = commit
    for (;;) {
      // Our own, from an attempt whose answer was lost, is as good as free; so is that of an append that did not happen.
      const written = await this.#table.tryPut(row, {
        text: 'attribute_not_exists(pk) or #until <= :now or #commit = :commit or #commit = :aborted',
        values: { ':now': now, ':commit': commit, ':aborted': aborted },
      })
      if (written.ok) return undefined
      const holder = written.row!
      if (holder.commit === undefined) return String(holder.id)
      if ((await this.#commits.settled(String(holder.commit), now)) === 'committed') return String(holder.id)
      aborted = String(holder.commit)
    }
  }
}

export const isUnique = (page: NewPage): page is UniquePage => page.unique !== undefined

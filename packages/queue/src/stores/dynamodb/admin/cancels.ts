import type { Row } from '../client/rows.ts'
import type { Table } from '../client/table.ts'
import { keys, shardOf } from '../keys.ts'
import { keyOfHead } from '../shard/state.ts'

export interface JobName {
  lane: string
  tenant: string
  id: string
}

/** Marks of all tenants are read by people only: the latest will do. */
const latestMarks = 1_000
/** Jobs are rarely scheduled for later than this. */
const keepMarksMs = 40 * 86_400_000

/** Marks of cancelled jobs. A shard's owner knows of which heads there are any, so that claims of others need not ask. */
export class Cancels {
  readonly #table: Table
  readonly #shards: number
  readonly #now: () => number
  /** Of the shards that this process owns: ids by head. */
  readonly #byShard = new Map<number, Map<string, Set<string>>>()

  constructor(table: Table, shards: number, now: () => number) {
    this.#table = table
    this.#shards = shards
    this.#now = now
  }

  /** Whether any job of a head, in a shard that this process owns, is marked. */
  has(lane: string, tenant: string): boolean {
    return this.#byShard.get(this.#shardOf(tenant))?.has(keyOfHead(lane, tenant)) ?? false
  }

  async loadShard(shard: number): Promise<void> {
    const marks = new Map<string, Set<string>>()
    for (const row of await this.#table.query({ pk: keys.marks(shard) })) note(marks, nameOf(row))
    this.#byShard.set(shard, marks)
  }

  forgetShard(shard: number): void {
    this.#byShard.delete(shard)
  }

  async add(jobs: JobName[]): Promise<void> {
    const at = this.#now()
    const ttl = Math.ceil((at + keepMarksMs) / 1_000)
    const rows = new Map(
      jobs.map((job): [string, Row] => {
        const key = keys.mark(this.#shardOf(job.tenant), job.lane, job.tenant, job.id)
        return [`${key.pk}#${key.sk}`, { ...key, lane: job.lane, tenant: job.tenant, id: job.id, at, ttl }]
      }),
    )
    await this.#table.putMany([...rows.values()])
    for (const job of jobs) {
      const marks = this.#byShard.get(this.#shardOf(job.tenant))
      if (marks) note(marks, job)
    }
    const shards = new Set(jobs.map(({ tenant }) => this.#shardOf(tenant)))
    await Promise.all(
      [...shards].map((shard) =>
        this.#table.update(keys.intake(shard), { text: 'ADD #marks :one', values: { ':one': 1 } }),
      ),
    )
  }

  async remove(jobs: JobName[]): Promise<void> {
    await this.#table.deleteMany(
      jobs.map(({ lane, tenant, id }) => keys.mark(this.#shardOf(tenant), lane, tenant, id)),
    )
    for (const { lane, tenant, id } of jobs) {
      const marks = this.#byShard.get(this.#shardOf(tenant))
      const ids = marks?.get(keyOfHead(lane, tenant))
      ids?.delete(id)
      if (ids?.size === 0) marks!.delete(keyOfHead(lane, tenant))
    }
  }

  async of({ lane, tenant }: { lane: string; tenant: string }): Promise<JobName[]> {
    const { sk } = keys.mark(0, lane, tenant, '')
    const prefix = sk.slice(0, sk.lastIndexOf('#') + 1)
    const rows = await this.#table.query({ pk: keys.marks(this.#shardOf(tenant)), prefix })
    return rows.filter((row) => this.#isCurrent(row)).map(nameOf)
  }

  async all(): Promise<(JobName & { at: number })[]> {
    const shards = await Promise.all(
      Array.from({ length: this.#shards }, (_, shard) => this.#table.query({ pk: keys.marks(shard) })),
    )
    return shards
      .flat()
      .filter((row) => this.#isCurrent(row))
      .map((row) => ({ ...nameOf(row), at: Number(row.at) }))
  }

  async latest(): Promise<JobName[]> {
    const marks = (await this.all()).sort((a, b) => b.at - a.at).slice(0, latestMarks)
    return marks.map(({ lane, tenant, id }) => ({ lane, tenant, id }))
  }

  async purge(tenant: string): Promise<void> {
    const { sk } = keys.mark(0, '', tenant, '')
    const rows = await this.#table.query({
      pk: keys.marks(this.#shardOf(tenant)),
      prefix: sk.split('#', 1)[0]!,
    })
    await this.remove(rows.map(nameOf))
  }

  /** TTL takes old marks, but may be days late. */
  async forgetOld(shard: number): Promise<number> {
    const rows = await this.#table.query({ pk: keys.marks(shard), consistent: false })
    const old = rows.filter((row) => !this.#isCurrent(row))
    await this.remove(old.map(nameOf))
    return old.length
  }

  #isCurrent(row: Row): boolean {
    return Number(row.at) >= this.#now() - keepMarksMs
  }

  #shardOf(tenant: string): number {
    return shardOf(tenant, this.#shards)
  }
}

const nameOf = (row: Row): JobName => ({
  lane: String(row.lane),
  tenant: String(row.tenant),
  id: String(row.id),
})

function note(marks: Map<string, Set<string>>, { lane, tenant, id }: JobName): void {
  const key = keyOfHead(lane, tenant)
  const ids = marks.get(key)
  if (ids) ids.add(id)
  else marks.set(key, new Set([id]))
}

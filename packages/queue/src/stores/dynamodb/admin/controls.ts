import type { TenantControls } from '../../../api/types.ts'
import type { Row } from '../client/rows.ts'
import type { Table } from '../client/table.ts'
import { keys, shardOf } from '../keys.ts'

const names = ['weight', 'maxInFlight', 'rate', 'paused', 'maxJobs', 'maxBytes'] as const

/**
 * How tenants and lanes are treated. A shard's owner keeps those of its tenants that differ from the default in memory
 * (about 150 bytes each) and reads them again when a counter that it looks at anyway says so.
 */
export class Controls {
  readonly #table: Table
  readonly #shards: number
  /** Of the shards that this process owns. */
  readonly #byShard = new Map<number, Map<string, TenantControls>>()

  constructor(table: Table, shards: number) {
    this.#table = table
    this.#shards = shards
  }

  /** Of a tenant in a shard that this process owns. */
  of(tenant: string): TenantControls {
    return this.#byShard.get(shardOf(tenant, this.#shards))?.get(tenant) ?? none
  }

  async loadShard(shard: number): Promise<void> {
    const rows = await this.#table.query({ pk: keys.controls(shard) })
    this.#byShard.set(shard, new Map(rows.map((row) => [row.sk, controlsOf(row)])))
  }

  forgetShard(shard: number): void {
    this.#byShard.delete(shard)
  }

  async read(tenant: string): Promise<TenantControls> {
    const row = await this.#table.get(this.#key(tenant))
    return row ? controlsOf(row) : {}
  }

  async readMany(tenants: Iterable<string>): Promise<Map<string, TenantControls>> {
    const rows = await this.#table.getMany(
      [...new Set(tenants)].map((tenant) => this.#key(tenant)),
      { consistent: false },
    )
    return new Map(rows.map((row) => [row.sk, controlsOf(row)]))
  }

  async all(): Promise<Map<string, TenantControls>> {
    const shards = await Promise.all(
      Array.from({ length: this.#shards }, (_, shard) => this.#table.query({ pk: keys.controls(shard) })),
    )
    return new Map(shards.flat().map((row) => [row.sk, controlsOf(row)]))
  }

  /** Members left out stay as they are; null takes one back to its default. */
  async set(tenant: string, changes: TenantControls): Promise<void> {
    const given = names.filter((name) => changes[name] !== undefined)
    const kept = given.filter((name) => changes[name] !== null)
    const dropped = given.filter((name) => changes[name] === null)
    const text = [
      kept.length > 0 ? `SET ${kept.map((name) => `#${name} = :${name}`).join(', ')}` : '',
      dropped.length > 0 ? `REMOVE ${dropped.map((name) => `#${name}`).join(', ')}` : '',
    ].join(' ')
    const values = Object.fromEntries(kept.map((name) => [`:${name}`, changes[name]!]))
    const row = await this.#table.update(this.#key(tenant), {
      text: text.trim() || 'SET #known = :known',
      values: text.trim() ? values : { ':known': true },
    })
    this.#remember(tenant, controlsOf(row))
    await this.#tell(tenant)
  }

  async erase(tenant: string): Promise<void> {
    await this.#table.delete(this.#key(tenant))
    this.#byShard.get(shardOf(tenant, this.#shards))?.delete(tenant)
    await this.#tell(tenant)
  }

  async pauseLane(lane: string, paused: boolean): Promise<void> {
    await this.#table.put({ ...keys.lane(lane), paused })
  }

  async pausedLanes(): Promise<Set<string>> {
    const rows = await this.#table.query({ pk: keys.lanes() })
    return new Set(rows.filter((row) => row.paused).map((row) => row.sk))
  }

  #remember(tenant: string, controls: TenantControls): void {
    this.#byShard.get(shardOf(tenant, this.#shards))?.set(tenant, controls)
  }

  async #tell(tenant: string): Promise<void> {
    const shard = shardOf(tenant, this.#shards)
    await this.#table.update(keys.intake(shard), { text: 'ADD #controls :one', values: { ':one': 1 } })
  }

  #key(tenant: string) {
    return keys.control(shardOf(tenant, this.#shards), tenant)
  }
}

const none: TenantControls = {}

const controlsOf = (row: Row): TenantControls =>
  Object.fromEntries(names.flatMap((name) => (row[name] === undefined ? [] : [[name, row[name]]])))

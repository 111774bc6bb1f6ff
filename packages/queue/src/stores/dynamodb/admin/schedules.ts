import type { NewPage } from '../../../pages/page.ts'
import type { StoredSchedule } from '../../store.ts'
import type { Row } from '../client/rows.ts'
import type { Table } from '../client/table.ts'
import type { Appender } from '../intake/appender.ts'
import { keys } from '../keys.ts'

/** Repeating jobs. */
export class Schedules {
  readonly #table: Table
  readonly #appender: () => Appender

  constructor(table: Table, appender: () => Appender) {
    this.#table = table
    this.#appender = appender
  }

  async all(): Promise<StoredSchedule[]> {
    return (await this.#table.query({ pk: keys.schedules() })).map(scheduleOf)
  }

  save(schedule: StoredSchedule): Promise<void> {
    return this.#table.put(rowOf(schedule))
  }

  /** Only where there is none yet. */
  async saveNew(schedule: StoredSchedule): Promise<void> {
    await this.#table.tryPut(rowOf(schedule), { text: 'attribute_not_exists(pk)' })
  }

  async remove(id: string): Promise<boolean> {
    return (await this.#table.delete(keys.schedule(id))) !== undefined
  }

  /** The pages are stored and the schedule moves on, both or neither, in one transaction with the append's commit record. */
  async fire(id: string, expected: number, nextAt: number, pages: NewPage[]): Promise<boolean> {
    const update = {
      update: keys.schedule(id),
      expression: { text: 'SET #nextAt = :next', values: { ':next': nextAt } },
      when: { text: '#nextAt = :expected', values: { ':expected': expected } },
    }
    // Most that lose the race need not write anything.
    const current = await this.#table.get(keys.schedule(id))
    if (current?.nextAt !== expected) return false
    const outcome = await this.#appender().append(pages, (commit) => this.#table.transact([commit, update]))
    return outcome !== undefined
  }
}

const rowOf = ({ id, spec, nextAt }: StoredSchedule): Row => ({ ...keys.schedule(id), spec, nextAt })
const scheduleOf = (row: Row): StoredSchedule => ({
  id: row.sk,
  spec: String(row.spec),
  nextAt: Number(row.nextAt),
})

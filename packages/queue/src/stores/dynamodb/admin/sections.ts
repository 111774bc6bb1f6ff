import { limits } from '../../../api/limits.ts'
import { blobsOf } from '../../../pages/job-record.ts'
import type { NewPage, ScheduledPage } from '../../../pages/page.ts'
import { movedKey } from '../../moved-key.ts'
import type { Section, SectionRow, SectionValues } from '../../store.ts'
import type { Table } from '../client/table.ts'
import type { Appender } from '../intake/appender.ts'
import type { UniqueKeys } from '../intake/unique-keys.ts'
import type { Blobs } from '../items/blobs.ts'
import { keys, shardOf, uniqueParts } from '../keys.ts'
import type { Cancels } from './cancels.ts'
import type { Controls } from './controls.ts'
import { nameOfMoved, refOf } from './dead-letter-items.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Progress } from './progress.ts'
import type { Schedules } from './schedules.ts'

interface Parts {
  table: Table
  shards: number
  appender: () => Appender
  uniqueKeys: UniqueKeys
  blobs: Blobs
  cancels: Cancels
  controls: Controls
  letters: DeadLetters
  progress: Progress
  schedules: Schedules
  now: () => number
  /** Scheduled pages of all shards, due first first, and how to take some out. */
  dumpScheduled(limit: number): Promise<{ ref: string; page: ScheduledPage }[]>
  dropScheduled(refs: string[]): Promise<void>
}

export interface Mover<S extends Section> {
  dump(limit: number): Promise<SectionRow<S>[]>
  load(rows: SectionRow<S>[], origin: string): Promise<void>
  erase(rows: SectionRow<S>[]): Promise<void>
}

/** Records other than waiting pages, on their way to another store or from one. */
export function sectionMovers(parts: Parts): { [S in Section]: Mover<S> } {
  const { table, shards, uniqueKeys, blobs, cancels, controls, letters, progress, schedules, now } = parts

  const withBlobs = async (page: ScheduledPage): Promise<ScheduledPage> => {
    const found = await blobs.read(blobsOf(page.body))
    return found.length > 0 ? { ...page, blobs: found } : page
  }

  return {
    scheduled: {
      async dump(limit) {
        const found = await parts.dumpScheduled(limit)
        return Promise.all(found.map(async ({ ref, page }) => ({ ref, value: await withBlobs(page) })))
      },
      async load(rows, origin) {
        await parts.appender().append(
          rows.map(({ ref, value }): NewPage => {
            return { ...value, unique: movedKey(origin, 'scheduled', ref, now()) }
          }),
        )
      },
      async erase(rows) {
        await parts.dropScheduled(rows.map(({ ref }) => ref))
        await blobs.delete(rows.flatMap(({ value }) => (value.blobs ?? []).map(({ id }) => id)))
      },
    },

    dead: {
      async dump(limit) {
        const found = await letters.oldest(limit)
        const data = await letters.dataOf(found)
        return found.map((letter) => {
          const { lane, tenant, id, name, attempts, reason, diedAt } = letter
          return {
            ref: refOf(letter),
            value: { lane, tenant, id, name, data: data.get(letter)!, attempts, reason, diedAt },
          }
        })
      },
      async load(rows, origin) {
        for (const { ref, value } of rows) await loadLetter(value, origin, ref)
      },
      async erase(rows) {
        await letters.discard(rows.map(({ ref }) => ref))
      },
    },

    unique: {
      async dump(limit) {
        const found: SectionRow<'unique'>[] = []
        for (let shard = 0; shard < shards; shard++)
          for (let part = 0; part < uniqueParts && found.length < limit; part++)
            for (const row of await table.query({
              pk: keys.uniques(shard, part),
              limit: limit - found.length,
            })) {
              const { lane, tenant, key, id } = row as unknown as SectionValues['unique']
              found.push({
                ref: `${row.pk}|${row.sk}`,
                value: { lane, tenant, key, id, until: Number(row.until) },
              })
            }
        return found
      },
      async load(rows) {
        await Promise.all(
          rows.map(({ value }) =>
            table.tryPut(uniqueKeys.row(value), {
              text: 'attribute_not_exists(pk) or #until <= :now',
              values: { ':now': now() },
            }),
          ),
        )
      },
      async erase(rows) {
        await table.deleteMany(
          rows.map(({ value: { lane, tenant, key } }) =>
            keys.unique(shardOf(tenant, shards), lane, tenant, key),
          ),
        )
      },
    },

    cancelled: {
      async dump(limit) {
        const marks = (await cancels.all()).slice(0, limit)
        return marks.map(({ lane, tenant, id }) => ({
          ref: JSON.stringify([lane, tenant, id]),
          value: { lane, tenant, id },
        }))
      },
      load: (rows) => cancels.add(rows.map(({ value }) => value)),
      erase: (rows) => cancels.remove(rows.map(({ value }) => value)),
    },

    progress: {
      async dump(limit) {
        return (await progress.all(limit)).map((value) => ({ ref: value.id, value }))
      },
      async load(rows) {
        for (const { value } of rows) await progress.saveNew(value)
      },
      erase: (rows) => progress.delete(rows.map(({ ref }) => ref)),
    },

    tenants: {
      async dump(limit) {
        const all = [...(await controls.all())].slice(0, limit)
        return all.map(([tenant, value]) => ({ ref: tenant, value: { tenant, controls: value } }))
      },
      async load(rows) {
        // What is already here is newer than what comes.
        for (const { value } of rows)
          await controls.set(value.tenant, { ...value.controls, ...(await controls.read(value.tenant)) })
      },
      async erase(rows) {
        for (const { ref } of rows) await controls.erase(ref)
      },
    },

    schedules: {
      async dump(limit) {
        return (await schedules.all()).slice(0, limit).map((value) => ({ ref: value.id, value }))
      },
      async load(rows) {
        for (const { value } of rows) await schedules.saveNew(value)
      },
      async erase(rows) {
        for (const { ref } of rows) await schedules.remove(ref)
      },
    },
  }

  /** The letter first: a crash before its key is there stores it again under the same name, which changes nothing. */
  async function loadLetter(value: SectionValues['dead'], origin: string, ref: string): Promise<void> {
    const { lane, tenant } = value
    const row = uniqueKeys.row({ lane, tenant, ...movedKey(origin, 'dead', ref, now()), id: value.id })
    const known = await table.get(row)
    if (known && Number(known.until) > now()) return
    const large = Buffer.byteLength(value.data) > limits.inlineBytes
    const blob = { id: `moved-${row.sk.replaceAll('#', '-')}`, data: value.data }
    if (large) await blobs.write([blob])
    await letters.add(large ? { ...value, data: 'null', blob: blob.id } : value, nameOfMoved(origin, ref))
    await table.put(row)
  }
}

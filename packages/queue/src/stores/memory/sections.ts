import { blobsOf } from '../../pages/job-record.ts'
import type { Section, SectionRow, SectionValues } from '../store.ts'
import { takeKey } from './append.ts'
import { cancel, forgetMark } from './cancel.ts'
import { setControls } from './controls.ts'
import { discardDead } from './dead-letters.ts'
import type { Tables } from './tables.ts'

/** A load is repeated within this time, or never. */
const rememberMs = 31 * 86_400_000

interface Mover<Value> {
  dump(tables: Tables): { ref: string; value: Value }[]
  /** What is here already is newer than what comes, and stays. */
  load(tables: Tables, value: Value, origin: string): void
  erase(tables: Tables, ref: string, value: Value): void
}

const movers: { [Name in Section]: Mover<SectionValues[Name]> } = {
  scheduled: {
    dump: (tables) =>
      [...tables.scheduled]
        .sort(([m, a], [n, b]) => a.dueAt - b.dueAt || m - n)
        .map(([number, page]) => {
          const blobs = blobsOf(page.body).flatMap((id) => {
            const blob = tables.blobs.get(id)
            return blob ? [{ id, data: blob.data }] : []
          })
          return { ref: String(number), value: blobs.length > 0 ? { ...page, blobs } : page }
        }),
    load: (tables, { blobs = [], ...page }, origin) => {
      if (!isFirst(tables, page, origin)) return
      tables.keepBlobs(page.tenant, blobs)
      tables.schedule(page)
    },
    erase: (tables, ref) => {
      const page = tables.scheduled.get(Number(ref))
      if (page) for (const id of blobsOf(page.body)) tables.blobs.delete(id)
      tables.scheduled.delete(Number(ref))
    },
  },
  // Oldest first, so that they are newest first there, too.
  dead: {
    dump: (tables) =>
      [...tables.deadLetters].map(([number, { blob, ...letter }]) => {
        const data = (blob === undefined ? undefined : tables.blobs.get(blob)?.data) ?? letter.data
        return { ref: String(number), value: { ...letter, data } }
      }),
    load: (tables, letter, origin) => {
      if (isFirst(tables, letter, origin)) tables.deadLetters.set(tables.nextNumber(), letter)
    },
    erase: (tables, ref) => void discardDead(tables, [ref]),
  },
  unique: {
    dump: (tables) => [...tables.unique].map(([ref, value]) => ({ ref, value })),
    load: (tables, { lane, tenant, ...unique }) => void takeKey(tables, { lane, tenant }, unique),
    erase: (tables, ref) => void tables.unique.delete(ref),
  },
  cancelled: {
    dump: (tables) =>
      [...tables.marks.values()]
        .flatMap((marks) => [...marks.values()])
        .map(({ lane, tenant, id }) => ({
          ref: JSON.stringify([lane, tenant, id]),
          value: { lane, tenant, id },
        })),
    load: (tables, mark) => cancel(tables, [mark]),
    erase: (tables, _, mark) => forgetMark(tables, mark),
  },
  progress: {
    dump: (tables) => [...tables.progress].map(([ref, { at: _, ...value }]) => ({ ref, value })),
    load: (tables, value) => {
      if (!tables.progress.has(value.id)) tables.progress.set(value.id, { ...value, at: tables.now() })
    },
    erase: (tables, ref) => void tables.progress.delete(ref),
  },
  tenants: {
    dump: (tables) =>
      [...tables.controls].map(([tenant, controls]) => ({ ref: tenant, value: { tenant, controls } })),
    load: (tables, { tenant, controls }) =>
      setControls(tables, tenant, { ...controls, ...tables.controls.get(tenant) }),
    erase: (tables, ref) => void tables.controls.delete(ref),
  },
  schedules: {
    dump: (tables) => [...tables.schedules].map(([ref, value]) => ({ ref, value })),
    load: (tables, value) => {
      if (!tables.schedules.has(value.id)) tables.schedules.set(value.id, value)
    },
    erase: (tables, ref) => void tables.schedules.delete(ref),
  },
}

export function dump<S extends Section>(tables: Tables, section: S, limit: number): SectionRow<S>[] {
  return structuredClone(movers[section].dump(tables).slice(0, limit))
}

export function load<S extends Section>(
  tables: Tables,
  section: S,
  rows: SectionRow<S>[],
  origin: string,
): void {
  for (const { ref, value } of structuredClone(rows))
    movers[section].load(tables, value, `moved:${origin}:${section}:${ref}`)
}

export function erase<S extends Section>(tables: Tables, section: S, rows: SectionRow<S>[]): void {
  for (const { ref, value } of rows) movers[section].erase(tables, ref, value)
}

/** Records that jobs are made of are told apart by a unique key: what was loaded once may have ended and be gone. */
function isFirst(tables: Tables, of: { lane: string; tenant: string }, origin: string): boolean {
  const unique = { key: origin, until: tables.now() + rememberMs, id: origin }
  return takeKey(tables, of, unique) === undefined
}

import type { NewPage, ScheduledPage } from '../../pages/page.ts'
import { type Appended, pressureFrom } from '../store.ts'
import { usageOf } from './controls.ts'
import { keyOfHead, type Tables, type UniqueKey } from './tables.ts'

/** Pages whose unique key is taken are left out; the others are stored, to be claimed at once or when due. */
export function append(tables: Tables, pages: NewPage[]): Appended {
  const duplicates: Appended['duplicates'] = []
  const heads = new Map<string, { lane: string; tenant: string }>()
  for (const page of pages) {
    heads.set(keyOfHead(page.lane, page.tenant), page)
    const holder = page.unique && takeKey(tables, page, page.unique)
    if (holder !== undefined) duplicates.push({ page, id: holder })
    else store(tables, page)
  }
  const pressure = usageOf(tables, [...heads.values()]).filter(
    ({ jobs, bytes, maxJobs, maxBytes }) =>
      (maxJobs !== null && jobs >= pressureFrom * maxJobs) ||
      (maxBytes !== null && bytes >= pressureFrom * maxBytes),
  )
  return { duplicates, pressure }
}

function store(tables: Tables, { unique: _, blobs, ...page }: NewPage): void {
  if (blobs) tables.keepBlobs(page.tenant, blobs)
  if (page.dueAt === undefined) makeClaimable(tables, page)
  else tables.schedule(page as ScheduledPage)
}

/** To the end of its stream. */
export function makeClaimable(tables: Tables, page: NewPage): void {
  const { lane, tenant, stream, jobs, bytes, body } = page
  const readyAt = tables.now()
  const firstAt = page.firstAt ?? page.dueAt ?? readyAt
  const seq = tables.nextNumber()
  tables
    .stream(lane, tenant, stream)
    .pages.push({ lane, tenant, stream, jobs, bytes, body, seq, readyAt, firstAt, done: [] })
}

/** The id of the job that holds the key; undefined if it was free and is taken now. */
export function takeKey(
  tables: Tables,
  { lane, tenant }: { lane: string; tenant: string },
  unique: { key: string; until: number; id: string },
): string | undefined {
  const name = JSON.stringify([lane, tenant, unique.key])
  const holder = tables.unique.get(name)
  if (holder && holder.until > tables.now()) return holder.id
  tables.unique.set(name, { lane, tenant, ...unique })
  return undefined
}

export const holders = (tables: Tables, keys: { lane: string; tenant: string; key: string }[]): UniqueKey[] =>
  keys.flatMap(({ lane, tenant, key }) => {
    const holder = tables.unique.get(JSON.stringify([lane, tenant, key]))
    return holder && holder.until > tables.now() ? [{ ...holder }] : []
  })

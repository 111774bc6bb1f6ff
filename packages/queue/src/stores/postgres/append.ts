import { InvalidJob } from '../../api/errors.ts'
import type { NewPage } from '../../pages/page.ts'
import { type Appended, pressureFrom, type Usage } from '../store.ts'
import { byHead, columns, type Db, type PoolDb } from './db.ts'
import { pageColumns, readyColumns } from './page-columns.ts'

export interface Quotas {
  /** What a tenant may have waiting in a lane, unless its controls say otherwise. Default: no limit. */
  maxJobs?: number
  maxBytes?: number
}

/** Stores a group commit: in one statement when all pages are ordinary, in one transaction otherwise. */
export async function append(db: PoolDb, pages: NewPage[], quotas: Quotas): Promise<Appended> {
  try {
    if (pages.every(isPlain))
      return { duplicates: [], pressure: await appendPlain(db, db.now(), pages, quotas) }
    return await db.transaction((tx) => appendAll(tx, db.now(), pages, quotas))
  } catch (error) {
    throw isRefusedValue(error)
      ? new InvalidJob('data', `PostgreSQL can't store it: ${(error as Error).message}`, { cause: error })
      : error
  }
}

/**
 * SQLSTATE classes 22 and 54: trying again is of no use. What `encodeJob` lets through, a database in another encoding than
 * UTF-8 may refuse.
 */
const isRefusedValue = (error: unknown) => /^(22|54)...$/.test(String((error as { code?: unknown }).code))

const isPlain = (page: NewPage) =>
  !page.unique && !page.blobs && (page.stream === '' || page.dueAt !== undefined)

/** Inside a transaction: pages of every kind. */
export async function appendAll(tx: Db, now: number, pages: NewPage[], quotas: Quotas): Promise<Appended> {
  const duplicates = await takeUniqueKeys(tx, now, pages)
  const refused = new Set(duplicates.map(({ page }) => page))
  const kept = refused.size > 0 ? pages.filter((page) => !refused.has(page)) : pages
  await storeBlobs(tx, kept)
  const streamed = kept.filter((page) => page.stream !== '' && page.dueAt === undefined)
  if (streamed.length > 0) {
    // All heads that this transaction will touch, in order: two of these never wait for each other in a circle.
    const heads = uniqueHeads(kept.filter((page) => page.dueAt === undefined))
    await tx.run('makeHeads', byHead(heads), heads.length)
    await tx.run('lockHeads', byHead(heads), heads.length)
  }
  const plain = kept.filter((page) => page.stream === '' || page.dueAt !== undefined)
  const pressure = plain.length > 0 ? await appendPlain(tx, now, plain, quotas) : []
  if (streamed.length === 0) return { duplicates, pressure }
  const heads = await appendStreams(tx, now, streamed)
  const later = await pressureOf(tx, heads, quotas)
  const told = new Set(later.map(({ lane, tenant }) => `${lane}\u0000${tenant}`))
  const others = pressure.filter(({ lane, tenant }) => !told.has(`${lane}\u0000${tenant}`))
  return { duplicates, pressure: [...others, ...later] }
}

function appendPlain(db: Db, now: number, pages: NewPage[], { maxJobs, maxBytes }: Quotas): Promise<Usage[]> {
  const limits = [now, maxJobs ?? null, maxBytes ?? null]
  // Prepared whatever their size: their plans are good for any.
  return pages.every(isReady)
    ? db.run<Usage>('appendReady', [...readyColumns(pages), ...limits])
    : db.run<Usage>('append', [...pageColumns(pages), ...limits])
}

const isReady = (page: NewPage) =>
  page.stream === '' && page.dueAt === undefined && page.firstAt === undefined

/** The heads must be locked. */
async function appendStreams(tx: Db, now: number, pages: NewPage[]): Promise<NewPage[]> {
  await tx.run('appendStreams', [...pageColumns(pages), now], pages.length)
  const heads = uniqueHeads(pages)
  await tx.run('refreshHeads', [...byHead(heads), now], heads.length)
  return heads
}

async function pressureOf(tx: Db, heads: NewPage[], quotas: Quotas): Promise<Usage[]> {
  const usage = await tx.run<Usage>(
    'usage',
    [...byHead(heads), quotas.maxJobs ?? null, quotas.maxBytes ?? null],
    heads.length,
  )
  return usage.filter(
    ({ jobs, bytes, maxJobs, maxBytes }) =>
      (maxJobs !== null && jobs >= pressureFrom * maxJobs) ||
      (maxBytes !== null && bytes >= pressureFrom * maxBytes),
  )
}

export function uniqueHeads<T extends { lane: string; tenant: string }>(rows: readonly T[]): T[] {
  const heads = new Map<string, T>()
  for (const row of rows) heads.set(`${row.lane}\u0000${row.tenant}`, row)
  return [...heads.values()]
}

/** Takes the unique keys of the pages; returns the pages that came too late. */
async function takeUniqueKeys(tx: Db, now: number, pages: NewPage[]): Promise<Appended['duplicates']> {
  const unique = pages.filter((page) => page.unique)
  if (unique.length === 0) return []
  const keys = columns(
    unique,
    (page) => page.lane,
    (page) => page.tenant,
    (page) => page.unique!.key,
  )
  const values = [
    ...keys,
    ...columns(
      unique,
      (page) => page.unique!.id,
      (page) => page.unique!.until,
    ),
    now,
  ]
  const taken = await tx.run<KeyRow>('takeKeys', values, unique.length)
  // Of pages with the same key in one append the first wins.
  const winners = new Set(taken.map(({ lane, tenant, key, id }) => [lane, tenant, key, id].join('\u0000')))
  const late = unique.filter(({ lane, tenant, unique }) => {
    const place = [lane, tenant, unique!.key, unique!.id].join('\u0000')
    return !winners.delete(place)
  })
  if (late.length === 0) return []
  const holders = await tx.run<KeyRow>('keyHolders', keys, unique.length)
  const idOf = new Map(holders.map(({ lane, tenant, key, id }) => [[lane, tenant, key].join('\u0000'), id]))
  return late.map((page) => ({
    page,
    id: idOf.get([page.lane, page.tenant, page.unique!.key].join('\u0000')) ?? page.unique!.id,
  }))
}

interface KeyRow {
  lane: string
  tenant: string
  key: string
  id: string
}

async function storeBlobs(tx: Db, pages: NewPage[]): Promise<void> {
  const blobs = pages.flatMap(({ lane, tenant, blobs }) =>
    (blobs ?? []).map(({ id, data }) => ({ id, lane, tenant, data })),
  )
  if (blobs.length === 0) return
  const values = columns(
    blobs,
    (blob) => blob.id,
    (blob) => blob.lane,
    (blob) => blob.tenant,
    (blob) => blob.data,
  )
  await tx.run('storeBlobs', values, blobs.length)
}

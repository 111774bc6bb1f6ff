import { encodeRecord, packPages } from '../../page.ts'
import type { NewPage } from '../../store.ts'
import type { DeadLetter, DeadLetterFilter } from '../../types.ts'
import { appendAll } from './append.ts'
import type { PoolDb } from './db.ts'

export async function deadLetters(
  db: PoolDb,
  filter: DeadLetterFilter & { limit: number },
): Promise<DeadLetter[]> {
  const rows = await db.run<Omit<DeadLetter, 'data'> & { data: string }>('deadLetters', [
    filter.lane ?? null,
    filter.tenant ?? null,
    filter.name ?? null,
    filter.reason === undefined ? null : `%${filter.reason.replace(/[\\%_]/g, '\\$&')}%`,
    filter.before ?? null,
    filter.after ?? null,
    filter.limit,
  ])
  return rows.map((row) => ({ ...row, data: JSON.parse(row.data) }))
}

/** Anything else is the ref of no letter of this store. */
const isRef = (ref: string) => /^\d{1,18}$/.test(ref)

interface DeadRow {
  ref: string
  id: string
  lane: string
  tenant: string
  name: string
  stream: string
  data: string
  blob: string | null
  blobBytes: number | null
}

export function retryDead(db: PoolDb, letters: { ref: string; dueAt: number }[]): Promise<number> {
  const dueOf = new Map(letters.map(({ ref, dueAt }) => [ref, dueAt]))
  return db.transaction(async (tx) => {
    const rows = await tx.run<DeadRow>('takeDead', [[...dueOf.keys()].filter(isRef)], letters.length)
    const pages = rows.flatMap((row) => packAgain(row, dueOf.get(row.ref)!))
    await appendAll(tx, db.now(), pages, {})
    return rows.length
  })
}

function packAgain(
  { id, lane, tenant, stream, name, data, blob, blobBytes }: DeadRow,
  dueAt: number,
): NewPage[] {
  const extra = blob ? { b: blob, s: blobBytes ?? 0 } : {}
  const record = encodeRecord([id, name, JSON.parse(data), 0, extra])
  const packable = { lane, tenant, stream, record, bytes: Buffer.byteLength(record) }
  return packPages([packable]).map((page) => ({ ...page, dueAt }))
}

export async function discardDead(db: PoolDb, refs: string[]): Promise<number> {
  return db.transaction(async (tx) => {
    const rows = await tx.run<DeadRow>('takeDead', [refs.filter(isRef)], refs.length)
    const blobs = rows.flatMap((row) => (row.blob ? [row.blob] : []))
    if (blobs.length > 0) await tx.run('dropBlobs', [blobs])
    return rows.length
  })
}

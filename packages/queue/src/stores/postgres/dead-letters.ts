import type { DeadLetter, DeadLetterQuery } from '../../api/types.ts'
import { encodeRecord, freshRecord } from '../../pages/job-record.ts'
import { packPages } from '../../pages/pack-pages.ts'
import type { NewPage } from '../../pages/page.ts'
import { appendAll } from './append.ts'
import type { PoolDb } from './db.ts'

export async function deadLetters(db: PoolDb, query: DeadLetterQuery): Promise<DeadLetter[]> {
  const { lane, tenant, name, reason, before, after, limit, withData = true } = query
  const values: unknown[] = [
    lane ?? null,
    tenant ?? null,
    name ?? null,
    reason === undefined ? null : `%${reason.replace(/[\\%_]/g, '\\$&')}%`,
    before ?? null,
    after !== undefined && isRef(after) ? after : null,
    limit,
    withData,
  ]
  const refs = query.refs?.filter(isRef)
  if (refs?.length === 0) return []
  const rows = refs
    ? await db.run<LetterRow>('deadLettersOfRefs', [...values, refs], refs.length)
    : await db.run<LetterRow>('deadLetters', values)
  return rows.map(({ data, diedAt, ...row }) => ({
    ...row,
    diedAt: new Date(diedAt),
    ...(data !== null && { data: JSON.parse(data) }),
  }))
}

/** A time as epoch ms: how a pool of somebody else's reads dates is theirs to say. */
type LetterRow = Omit<DeadLetter, 'data' | 'diedAt'> & { data: string | null; diedAt: number }

/** Anything else is the ref of no letter of this store. */
const isRef = (ref: string) => /^[1-9]\d{0,17}$/.test(ref)

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
  const where = blob ? { blob, bytes: blobBytes ?? 0 } : { json: data }
  const record = encodeRecord(freshRecord(id, name, where))
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

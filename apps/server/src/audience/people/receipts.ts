import type { App } from '../../platform/app.ts'
import {
  type Page,
  readCursor,
  timestampShape,
  toPage,
  uuidShape,
  writeCursor,
} from '../../platform/db/cursor.ts'
import { uuidOf } from '../events/store.ts'
import { hashOf } from './erasure-marks.ts'
import type { Subject } from './erasure-subject.ts'
import type { PeopleSession } from './session.ts'

/** What is left to show of an erasure. */
export interface Receipt {
  id: string
  /** Keyed hash of the person's id, hex: tells whether two receipts are of one id, and nothing else. */
  idHash: string
  erasedAt: Date
  requestedBy: string
  /** Rows removed, by place; messages were emptied. Places where there was nothing are left out. */
  removed: Record<string, number>
  note: string
}

/** What a receipt can't count. */
const note =
  'Items accepted before the erasure that still wait in the queue are dropped when they are processed. ' +
  'Files of imports and exports are deleted when their time is over, within 30 days, unless you delete them before.'

/** Of an erasure asked for by a job: the same for its redelivery. */
export const receiptId = (projectId: number, jobId: string): string =>
  uuidOf(`receipt\0${projectId}\0${jobId}`)

/** Those that somebody asked for now; others belong to an erasure that has its receipt. Returns them by id. */
export async function writeReceipts(
  session: PeopleSession,
  subjects: Subject[],
): Promise<Map<string, Subject>> {
  const { client, projectId } = session
  const asked = subjects.filter(({ requestedBy }) => requestedBy !== undefined)
  const receipts = new Map(asked.map((subject) => [receiptId(projectId, subject.erasure.jobId), subject]))
  await client.query(
    `insert into erasure_receipts (project_id, id, id_hash, erased_at, requested_by, removed)
     select $1, id, hash, at, requested, removed
     from unnest($2::uuid[], $3::bytea[], $4::timestamptz[], $5::text[], $6::jsonb[]) as r (id, hash, at, requested, removed)
     on conflict (project_id, id) do nothing`,
    [
      projectId,
      [...receipts.keys()],
      [...receipts.values()].map(({ nodes }) => hashOf(session, [...nodes][0]!)),
      [...receipts.values()].map(({ erasure }) => new Date(erasure.at)),
      [...receipts.values()].map(({ requestedBy }) => requestedBy),
      [...receipts.values()].map(({ removed }) => JSON.stringify(Object.fromEntries(removed))),
    ],
  )
  return receipts
}

/** Tells of what was removed after the commit. */
export async function addToReceipts(
  { app, projectId }: Pick<PeopleSession, 'app' | 'projectId'>,
  receipts: Map<string, Subject>,
): Promise<void> {
  await app.pool.query(
    `update erasure_receipts r set removed = n.removed
     from unnest($2::uuid[], $3::jsonb[]) as n (id, removed)
     where r.project_id = $1 and r.id = n.id and r.removed <> n.removed`,
    [
      projectId,
      [...receipts.keys()],
      [...receipts.values()].map(({ removed }) => JSON.stringify(Object.fromEntries(removed))),
    ],
  )
}

interface Row {
  id: string
  hash: string
  erased_at: Date
  exactly: string
  requested_by: string
  removed: Record<string, number>
}

const columns = `id, encode(id_hash, 'hex') as hash, erased_at, erased_at::text as exactly, requested_by, removed`

const toReceipt = ({ id, hash, erased_at, requested_by, removed }: Row): Receipt => ({
  id,
  idHash: hash,
  erasedAt: erased_at,
  requestedBy: requested_by,
  removed,
  note,
})

/** Newest first. */
export async function listReceipts(
  app: App,
  projectId: number,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<Receipt>> {
  const [at, id] = cursor === undefined ? [null, null] : readCursor(cursor, timestampShape, uuidShape)
  const { rows } = await app.pool.query<Row>(
    `select ${columns} from erasure_receipts
     where project_id = $1 and ($2::timestamptz is null or (erased_at, id) < ($2, $3::uuid))
     order by erased_at desc, id desc limit $4`,
    [projectId, at, id, limit + 1],
  )
  return toPage(rows, limit, (last) => writeCursor(last.exactly, last.id), toReceipt)
}

export async function loadReceipt(app: App, projectId: number, id: string): Promise<Receipt | undefined> {
  const { rows } = await app.pool.query<Row>(
    `select ${columns} from erasure_receipts where project_id = $1 and id = $2`,
    [projectId, id],
  )
  return rows[0] && toReceipt(rows[0])
}

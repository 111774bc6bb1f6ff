import type { Json } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import type { Page } from '../../platform/db/cursor.ts'

/** An item that was accepted but could not be processed, or of which its sender should know something. */
export interface Reject {
  id: number
  at: Date
  reason: string
  /** False when it was processed all the same. */
  rejected: boolean
  item: Json
}

/** Newest first; `cursor` continues after the page that gave it as `nextCursor`. */
export async function listRejects(
  app: App,
  projectId: number,
  { limit, cursor }: { limit: number; cursor?: number },
): Promise<Page<Reject>> {
  const query = `select id, at, reason, rejected, item, ${bytesOf('item', 'reason')} as bytes from ingest_rejects
    where project_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`
  return readPage<Reject, Reject>(
    app.pool,
    { query, values: [projectId, cursor ?? null, limit + 1], order: 'id desc', limit },
    ({ id }) => String(id),
    (reject) => reject,
  )
}

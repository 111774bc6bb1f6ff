import type { Json } from '@fairway/queue'
import type { App } from '../app.ts'

/** An item that was accepted but could not be processed. */
export interface Reject {
  id: number
  at: Date
  reason: string
  item: Json
}

/** Newest first; `cursor` continues after the page that gave it as `nextCursor`. */
export async function listRejects(
  app: App,
  projectId: number,
  { limit, cursor }: { limit: number; cursor?: number },
): Promise<{ items: Reject[]; nextCursor: string | null }> {
  const { rows } = await app.pool.query<Reject>(
    `select id, at, reason, item from ingest_rejects
     where project_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`,
    [projectId, cursor ?? null, limit + 1],
  )
  const items = rows.slice(0, limit)
  return { items, nextCursor: rows.length > limit ? String(items.at(-1)!.id) : null }
}

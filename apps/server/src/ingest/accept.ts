import { type Added, type JobGroup, QueueOverloaded, TenantQuotaExceeded } from '@fairway/queue'
import { findKey, type KeyOwner } from '../accounts/keys.ts'
import type { IngestItem, RejectedItem } from '../audience/items/item.ts'
import type { App } from '../platform/app.ts'
import { slowedFrom } from '../platform/capacity/admission-counts.ts'
import type { ApiError } from '../platform/errors.ts'
import { takeRate } from './rate-limit.ts'

/**
 * The one way in: resolves when every item is on disk, all or none. Nothing else is written and nothing is kept, so a
 * full or unreachable store is the client's to retry.
 *
 * @throws what `toApiError` turns into a 429 or 503 with Retry-After
 */
export async function accept(
  app: App,
  projectId: number,
  items: (IngestItem | RejectedItem)[],
): Promise<void> {
  if (items.length === 0) return
  await add(app, projectId, items.length, () =>
    app.queue.addMany(items.map((item) => jobOf(projectId, item))),
  )
}

/** The same for items that were encoded one by one. */
export async function acceptGroup(app: App, projectId: number, group: JobGroup): Promise<void> {
  if (group.length > 0) await add(app, projectId, group.length, () => group.add())
}

export const jobOf = (projectId: number, data: IngestItem | RejectedItem) => ({
  lane: 'ingest',
  tenant: String(projectId),
  name: 'item',
  data,
})

async function add(app: App, projectId: number, count: number, store: () => Promise<Added[]>): Promise<void> {
  takeRate(app, projectId, count)
  try {
    const added = await store()
    if ((added[0]?.pressure ?? 0) >= slowedFrom) app.admissions.record(projectId, 'slowed', count)
  } catch (error) {
    if (error instanceof TenantQuotaExceeded || error instanceof QueueOverloaded)
      app.admissions.record(projectId, 'refused', count)
    throw error
  }
}

/** Whose key this is, as {@link findKey} answers. Tracking and secret keys may both write. */
export function ownerOf(app: App, key: unknown, refuse: () => ApiError): KeyOwner | Promise<KeyOwner> {
  if (typeof key !== 'string' || key === '') throw refuse()
  const known = (owner: KeyOwner | null) => {
    if (owner === null) throw refuse()
    return owner
  }
  const found = findKey(app, key)
  return found instanceof Promise ? found.then(known) : known(found)
}

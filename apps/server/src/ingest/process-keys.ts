import { uuidOf } from '../audience/events/store.ts'
import type { AcceptedItem } from '../audience/people/change.ts'
import type { PeopleSession } from '../audience/people/session.ts'

/** How long a redelivery of a job is known by its id, for items without a duplicate key of their own. */
const redeliveryMs = 3_600_000

interface Key {
  index: number
  key: string
  jobId: string
  /** Epoch ms. */
  seenAt: number
  expiresAt: number
}

/**
 * Which works repeat something: by their duplicate key within its window, measured between acceptances, or because the
 * same job was processed before. Notes the keys of the others. Events without a key of their own are left to their id,
 * which the same job always derives alike.
 */
export async function findDuplicates(session: PeopleSession, works: AcceptedItem[]): Promise<Set<number>> {
  const duplicates = new Set<number>()
  // A key comes twice in a batch, with more than a window in between, only after a long backlog: another round then.
  for (let round = keysOf(session.projectId, works); round.length > 0; ) {
    const first = new Map<string, Key>()
    const later: Key[] = []
    for (const key of round) {
      const before = first.get(key.key)
      if (!before) first.set(key.key, key)
      else if (isWithin(before, key)) duplicates.add(key.index)
      else later.push(key)
    }
    const fresh = await claimKeys(session, [...first.values()])
    for (const key of first.values()) if (!fresh.has(key.key)) duplicates.add(key.index)
    round = later
  }
  return duplicates
}

function keysOf(projectId: number, works: AcceptedItem[]): Key[] {
  const keys: Key[] = []
  for (const [index, { jobId, item }] of works.entries()) {
    const dedupe = item.kind === 'event' || item.kind === 'identify' ? item.dedupe : undefined
    if (!dedupe && item.kind === 'event') continue
    const name = dedupe ? `key\0${dedupe.key}` : `job\0${jobId}`
    const expiresAt = item.acceptedAt + (dedupe?.windowMs ?? redeliveryMs)
    keys.push({ index, key: uuidOf(`${projectId}\0${name}`), jobId, seenAt: item.acceptedAt, expiresAt })
  }
  return keys.sort((a, b) => a.seenAt - b.seenAt)
}

const isWithin = (before: Key, key: Key) => key.jobId === before.jobId || key.seenAt < before.expiresAt

/**
 * Takes over the keys that are new, or whose last use is a window away, on either side: after a backlog the earlier of
 * two items may come last. The order keeps two batches from waiting for each other.
 */
async function claimKeys({ client, projectId }: PeopleSession, keys: Key[]): Promise<Set<string>> {
  const { rows } = await client.query<{ key: string }>({
    name: 'ingest_keys_claim',
    text: `insert into ingest_keys as k (project_id, key, job_id, seen_at, expires_at)
           select $1, key, job, to_timestamp(seen / 1000), to_timestamp(expires / 1000)
           from unnest($2::uuid[], $3::text[], $4::float8[], $5::float8[]) as r (key, job, seen, expires)
           order by key
           on conflict (project_id, key) do update
             set job_id = excluded.job_id, seen_at = excluded.seen_at, expires_at = excluded.expires_at
             where k.job_id <> excluded.job_id
               and (k.expires_at <= excluded.seen_at or excluded.expires_at <= k.seen_at)
           returning key`,
    values: [
      projectId,
      keys.map(({ key }) => key),
      keys.map(({ jobId }) => jobId),
      keys.map(({ seenAt }) => seenAt),
      keys.map(({ expiresAt }) => expiresAt),
    ],
  })
  return new Set(rows.map(({ key }) => key))
}

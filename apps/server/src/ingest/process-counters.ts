import type { EventCounter } from '../audience/events/over-time.ts'
import type { AcceptedItem } from '../audience/people/change.ts'
import type { PeopleSession } from '../audience/people/session.ts'
import type { App } from '../platform/app.ts'

const hourMs = 3_600_000

/**
 * Names of the counters that ingestion keeps. Per hour of acceptance: stored events, items of the other kinds, repeated
 * items, items that could not be processed, items of people erased meanwhile. Per hour in which they happened: stored
 * events by name (audience/events/over-time.ts).
 */
export type Counter =
  | 'events'
  | 'identifies'
  | 'tags'
  | 'merges'
  | 'subscriptions'
  | 'suppressions'
  | 'deletes'
  | 'duplicates'
  | 'rejected'
  | 'erased'
  | EventCounter

export class Counts {
  readonly #counts = new Map<string, { name: Counter; hour: number; value: number }>()

  /** `time` is epoch ms. */
  add(name: Counter, time: number): void {
    const hour = Math.floor(time / hourMs) * hourMs
    const key = `${name} ${hour}`
    const count = this.#counts.get(key)
    if (count) count.value++
    else this.#counts.set(key, { name, hour, value: 1 })
  }

  /** Call it last: until the commit, every other batch of the project waits for these rows. */
  async save({ client, projectId }: Pick<PeopleSession, 'client' | 'projectId'>): Promise<void> {
    const counts = [...this.#counts.values()]
    if (counts.length === 0) return
    await client.query({
      name: 'ingest_counters_add',
      text: `insert into counters as c (project_id, name, hour, value)
             select $1, name, hour, value from unnest($2::text[], $3::timestamptz[], $4::bigint[]) as r (name, hour, value)
             order by name, hour
             on conflict (project_id, name, hour) do update set value = c.value + excluded.value`,
      values: [
        projectId,
        counts.map(({ name }) => name),
        counts.map(({ hour }) => new Date(hour)),
        counts.map(({ value }) => value),
      ],
    })
  }
}

/** Notes items that could not be processed, for the people who sent them. */
export async function recordRejects(
  app: App,
  { client, projectId }: Pick<PeopleSession, 'client' | 'projectId'>,
  rejects: { work: AcceptedItem; reason: string }[],
  { rejected = true } = {},
): Promise<void> {
  if (rejects.length === 0) return
  await client.query(
    `insert into ingest_rejects (project_id, at, reason, item, rejected)
     select $1, $2, reason, coalesce(item, 'null'), $4 from json_to_recordset($3) as r (reason text, item jsonb)`,
    [
      projectId,
      app.now(),
      storable(rejects.map(({ work, reason }) => ({ reason, item: work.item }))),
      rejected,
    ],
  )
}

/** Of one batch at most: a broken sender's log is full of the same. */
const maxNotes = 100

/** Notes of items that were processed what their senders should know, each note of each person once. */
export const recordNotes = (
  app: App,
  session: Pick<PeopleSession, 'client' | 'projectId'>,
  notes: { work: AcceptedItem; reason: string }[],
): Promise<void> =>
  recordRejects(
    app,
    session,
    [...new Map(notes.map((note) => [noteKey(note), note])).values()].slice(0, maxNotes),
    { rejected: false },
  )

const noteKey = ({ reason, work }: { work: AcceptedItem; reason: string }) =>
  `${reason} ${JSON.stringify(work.item.person)}`

/** What PostgreSQL refuses in a text, NUL and halves of surrogate pairs, may be why the item is here. */
const storable = (value: unknown): string =>
  JSON.stringify(value).replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/gi, '$1\\ufffd')

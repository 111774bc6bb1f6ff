import type { DeleteItem } from '../ingest/item.ts'
import { changesBetween } from './changes.ts'
import { type Identity, identityOf, resolve } from './identity.ts'
import { dropMemberships } from './memberships.ts'
import { type PersonRow, readRegisters, writeState } from './person.ts'
import type { Registers } from './registers.ts'
import type { PeopleSession } from './session.ts'
import { lockPeople, syncSuppressions, updatePeople } from './store.ts'

/** The moment of an erasure; what was accepted before it belongs to the erased person. */
export interface Erasure {
  /** Epoch ms. */
  at: number
  /** Tells items of the same millisecond apart; ids of jobs grow. */
  jobId: string
}

export type ErasedAt = (identity: Identity) => Erasure | undefined

export const isBefore = (item: { acceptedAt: number }, jobId: string, erasure: Erasure): boolean =>
  item.acceptedAt < erasure.at || (item.acceptedAt === erasure.at && jobId <= erasure.jobId)

/** The erasures that may concern items of these identities, accepted at `acceptedAt` or later. */
export async function loadErasures(
  session: PeopleSession,
  identities: Identity[],
  acceptedAt: number,
): Promise<ErasedAt> {
  const { client, projectId } = session
  // Nearly always nobody was erased since the batch was accepted, and nothing needs hashing.
  const { rows: recent } = await client.query({
    name: 'people_erasures_recent',
    text: 'select from erasures where project_id = $1 and erased_at >= $2 limit 1',
    values: [projectId, new Date(acceptedAt)],
  })
  if (recent.length === 0) return () => undefined
  const hashes = new Map<string, Buffer>()
  for (const identity of identities)
    for (const node of nodesOf(identity)) if (!hashes.has(node)) hashes.set(node, hashOf(session, node))
  const { rows } = await client.query<{ id_hash: Buffer; erased_at: Date; job_id: string }>({
    name: 'people_erasures',
    text: 'select id_hash, erased_at, job_id from erasures where project_id = $1 and id_hash = any($2::bytea[])',
    values: [projectId, [...hashes.values()]],
  })
  const byHash = new Map(
    rows.map((row) => [row.id_hash.toString('hex'), { at: row.erased_at.getTime(), jobId: row.job_id }]),
  )
  return (identity) =>
    nodesOf(identity)
      .map((node) => byHash.get(hashes.get(node)!.toString('hex')))
      .filter((erasure) => erasure !== undefined)
      .reduce<Erasure | undefined>(
        (latest, next) => (latest && isLater(latest, next) ? latest : next),
        undefined,
      )
}

const isLater = (a: Erasure, b: Erasure) => a.at > b.at || (a.at === b.at && a.jobId >= b.jobId)

/**
 * Erases people: what was written, happened and was sent up to the erasure, and every id but its hash. A person who has
 * something from after the erasure, which comes from items that overtook it, keeps that. Needs an exclusive session.
 */
export async function eraseItems(
  session: PeopleSession,
  items: { item: Pick<DeleteItem, 'person' | 'acceptedAt'>; jobId: string }[],
): Promise<void> {
  const { client, projectId } = session
  const targets = items.map(({ item, jobId }) => ({
    identity: identityOf(item.person),
    erasure: { at: item.acceptedAt, jobId },
  }))
  const matches = await resolve(
    client,
    projectId,
    targets.map(({ identity }) => identity),
  )
  const erasures = new Map<number, Erasure>()
  const hashes = new Map<string, Erasure>()
  const note = <K>(map: Map<K, Erasure>, key: K, erasure: Erasure) => {
    const before = map.get(key)
    if (!before || isLater(erasure, before)) map.set(key, erasure)
  }
  for (const { identity, erasure } of targets) {
    for (const node of nodesOf(identity)) note(hashes, node, erasure)
    const { external, anonymous } = identity
    const match = external === undefined ? matches.anonymous.get(anonymous!) : matches.external.get(external)
    if (match) note(erasures, match.personId, erasure)
  }
  const people = await lockPeople(session, [...erasures.keys()])
  for (const { personId, node } of await idsOf(session, [...people.values()]))
    note(hashes, node, erasures.get(personId)!)
  await recordErasures(session, hashes)
  await eraseEvents(session, erasures)
  await eraseRejects(
    session,
    [...hashes.keys()].map((node) => node.slice(1)),
  )
  const gone = await erasePeople(session, people, erasures)
  await eraseMessages(session, erasures, gone)
}

/** What the hash of an id is made of. */
const nodesOf = ({ external, anonymous }: Identity): string[] => [
  ...(external === undefined ? [] : [`e${external}`]),
  ...(anonymous === undefined ? [] : [`a${anonymous}`]),
]

/** Keyed, because ids and addresses are guessed easily. */
const hashOf = ({ app, projectId }: PeopleSession, node: string): Buffer =>
  Buffer.from(app.secrets.sign('erasure', `${projectId}\0${node}`), 'base64url')

async function idsOf({ client, projectId }: PeopleSession, people: PersonRow[]) {
  if (people.length === 0) return []
  const { rows } = await client.query<{ person_id: number; kind: string; alias: string }>(
    'select person_id, kind, alias from person_aliases where project_id = $1 and person_id = any($2::bigint[])',
    [projectId, people.map(({ id }) => id)],
  )
  return [
    ...rows.map((row) => ({
      personId: row.person_id,
      node: (row.kind === 'external' ? 'e' : 'a') + row.alias,
    })),
    ...people
      .filter((person) => person.external_id !== null)
      .map((person) => ({ personId: person.id, node: `e${person.external_id}` })),
  ]
}

async function recordErasures(session: PeopleSession, hashes: Map<string, Erasure>): Promise<void> {
  const entries = [...hashes]
  await session.client.query(
    `insert into erasures as e (project_id, id_hash, erased_at, job_id)
     select $1, hash, at, job from unnest($2::bytea[], $3::timestamptz[], $4::text[]) as r (hash, at, job)
     on conflict (project_id, id_hash) do update set erased_at = excluded.erased_at, job_id = excluded.job_id
     where (e.erased_at, e.job_id collate "C") < (excluded.erased_at, excluded.job_id collate "C")`,
    [
      session.projectId,
      entries.map(([node]) => hashOf(session, node)),
      entries.map(([, { at }]) => new Date(at)),
      entries.map(([, { jobId }]) => jobId),
    ],
  )
}

async function eraseEvents({ client, projectId }: PeopleSession, erasures: Map<number, Erasure>) {
  const people = columnsOf(erasures)
  const until = 'unnest($2::bigint[], $3::timestamptz[]) as e (person, at)'
  await client.query(
    `delete from events t using ${until} where t.project_id = $1 and t.person_id = e.person and t.received_at <= e.at`,
    [projectId, ...people],
  )
  await client.query(
    `delete from person_changes t using ${until} where t.project_id = $1 and t.person_id = e.person and t.at <= e.at`,
    [projectId, ...people],
  )
}

const columnsOf = (erasures: Map<number, Erasure>) => [
  [...erasures.keys()],
  [...erasures.values()].map(({ at }) => new Date(at)),
]

/**
 * Messages stay as rows, for reports and so that none is sent twice, without anything personal. Those of a person who
 * is not gone stay whole when the event that caused them does.
 */
async function eraseMessages(
  { client, projectId, now }: PeopleSession,
  erasures: Map<number, Erasure>,
  gone: Set<number>,
): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    `update messages t set person_id = null, recipient = null, subject = null, input = '{}',
       reason = case when t.state = 'pending' then 'erased' else t.reason end,
       settled_at = case when t.state = 'pending' then $5 else t.settled_at end,
       state = case when t.state = 'pending' then 'skipped' else t.state end
     from unnest($2::bigint[], $3::timestamptz[], $4::boolean[]) as e (person, at, gone)
     where t.project_id = $1 and t.person_id = e.person
       and (e.gone or (t.event_id is null and t.created_at <= e.at)
         or (t.event_id is not null and not exists (
           select from events v where v.project_id = $1 and v.occurred_at = t.event_at and v.id = t.event_id)))
     returning t.id`,
    [projectId, ...columnsOf(erasures), [...erasures.keys()].map((id) => gone.has(id)), now],
  )
  for (const table of ['mailbox', 'attachments'])
    await client.query(`delete from ${table} where project_id = $1 and message_id = any($2::uuid[])`, [
      projectId,
      rows.map(({ id }) => id),
    ])
}

async function eraseRejects({ client, projectId }: PeopleSession, ids: string[]): Promise<void> {
  await client.query(
    `delete from ingest_rejects where project_id = $1 and
       (item #>> '{person,id}' = any($2::text[]) or item #>> '{person,anonymousId}' = any($2::text[])
        or lower(item #>> '{person,email}') = any($2::text[]))`,
    [projectId, ids],
  )
}

/** Returns those who are gone; the others keep what is from after their erasure. */
async function erasePeople(
  session: PeopleSession,
  people: Map<number, PersonRow>,
  erasures: Map<number, Erasure>,
): Promise<Set<number>> {
  const { client, projectId } = session
  if (people.size === 0) return new Set()
  const { rows } = await client.query<{ id: number }>(
    `select id from unnest($2::bigint[]) as p (id)
     where exists (select from events where project_id = $1 and person_id = p.id)`,
    [projectId, [...people.keys()]],
  )
  const active = new Set(rows.map(({ id }) => id))
  const kept: {
    id: number
    before: PersonRow
    after: PersonRow
    changes: ReturnType<typeof changesBetween>
  }[] = []
  const gone: number[] = []
  for (const [id, before] of people) {
    const { at } = erasures.get(id)!
    const registers = registersAfter(before, at)
    const lives = active.has(id) || before.created_at.getTime() > at || registers.size > 1
    const after = { ...before, ...writeState(registers) }
    if (lives) kept.push({ id, before, after, changes: changesBetween(before, after) })
    else gone.push(id)
  }
  await updatePeople(session, kept)
  await syncSuppressions(session, kept)
  for (const table of ['person_aliases', 'person_changes', 'frequency_holds'])
    await client.query(`delete from ${table} where project_id = $1 and person_id = any($2::bigint[])`, [
      projectId,
      gone,
    ])
  await dropMemberships(session, gone)
  for (const { id } of kept) session.changed.add(id)
  await client.query('delete from people where project_id = $1 and id = any($2::bigint[])', [projectId, gone])
  return new Set(gone)
}

/** The main id, and what was written after the erasure. */
function registersAfter(before: PersonRow, erasedAt: number): Registers {
  const registers = readRegisters(before)
  for (const [name, { at }] of registers) if (at <= erasedAt && name !== '$id') registers.delete(name)
  if (!registers.has('$id')) registers.set('$id', { at: 0, value: null })
  return registers
}

import type { Identity } from './identity.ts'
import type { PeopleSession } from './session.ts'

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
  identities: () => Identity[],
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
  for (const identity of identities())
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

export const isLater = (a: Erasure, b: Erasure) => a.at > b.at || (a.at === b.at && a.jobId >= b.jobId)

/** What the hash of an id is made of. */
export const nodesOf = ({ external, anonymous }: Identity): string[] => [
  ...(external === undefined ? [] : [`e${external}`]),
  ...(anonymous === undefined ? [] : [`a${anonymous}`]),
]

/** Keyed, because ids and addresses are guessed easily. */
export const hashOf = ({ app, projectId }: PeopleSession, node: string): Buffer =>
  Buffer.from(app.secrets.sign('erasure', `${projectId}\0${node}`), 'base64url')

/** Notes until when items of these ids belong to somebody who was erased. */
export async function markErased(session: PeopleSession, hashes: Map<string, Erasure>): Promise<void> {
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

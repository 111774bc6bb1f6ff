import { withTransaction } from '../../platform/db/transaction.ts'
import { count, type Subject, subjectsByName } from './erasure-subject.ts'
import type { PeopleSession } from './session.ts'

/**
 * What imports keep of these people beside the people themselves: samples of the file, rows that were refused, and what an
 * undo would bring back.
 */
export async function eraseImportRows(
  { app, projectId }: Pick<PeopleSession, 'app' | 'projectId'>,
  subjects: Subject[],
): Promise<void> {
  const { rows: imports } = await app.pool.query('select from imports where project_id = $1 limit 1', [
    projectId,
  ])
  if (imports.length === 0) return
  await eraseSamples(app, projectId, subjects)
  await eraseRefusedRows(app, projectId, subjects)
  await eraseUndo(app, projectId, subjects)
}

/** Of a file in whose first rows one of them is named. */
async function eraseSamples(
  app: PeopleSession['app'],
  projectId: number,
  subjects: Subject[],
): Promise<void> {
  const byName = byLowerName(subjects)
  const { rows } = await app.pool.query<{ name: string }>(
    `with named as (
       select i.id, (
         select folded from jsonb_path_query(jsonb_build_array(i.preview, i.columns), 'strict $.**') as v (value),
           ${folded("value #>> '{}'")}
         where jsonb_typeof(value) in ('string', 'number') and folded = any($2::text[]) limit 1) as name
       from imports i where i.project_id = $1)
     update imports i set preview = '[]',
       columns = (select coalesce(jsonb_agg(c || '{"samples": []}'), '[]') from jsonb_array_elements(i.columns) as c)
     from named n where i.project_id = $1 and i.id = n.id and n.name is not null returning n.name`,
    [projectId, [...byName.keys()]],
  )
  for (const { name } of rows) count(byName.get(name)!, 'importSamples', 1)
}

/** In lower case by the database's locale, and by that of ASCII: in Turkish, an I has another small letter. */
const folded = (text: string) =>
  `lateral (values (lower(btrim(${text}))), (lower(btrim(${text}) collate "C") collate "default")) as f (folded)`

const byLowerName = (subjects: Subject[]): Map<string, Subject> =>
  new Map([...subjectsByName(subjects)].map(([name, subject]) => [name.toLowerCase(), subject]))

async function eraseRefusedRows(
  app: PeopleSession['app'],
  projectId: number,
  subjects: Subject[],
): Promise<void> {
  const byName = byLowerName(subjects)
  const { rows } = await app.pool.query<{ name: string }>(
    `with named as (
       select r.import_id, r.position,
         (select folded from unnest(r.cells) as c (cell), ${folded('cell')}
          where folded = any($2::text[]) limit 1) as name
       from import_rejects r where project_id = $1)
     delete from import_rejects r using named n
     where r.project_id = $1 and r.import_id = n.import_id and r.position = n.position and n.name is not null
     returning n.name`,
    [projectId, [...byName.keys()]],
  )
  for (const { name } of rows) count(byName.get(name)!, 'importRejects', 1)
}

async function eraseUndo(app: PeopleSession['app'], projectId: number, subjects: Subject[]): Promise<void> {
  const stored = new Map(subjects.map((subject) => [subject.personId, subject]))
  stored.delete(undefined)
  const ids = [...stored.keys()]
  await withTransaction(app.pool, async (client) => {
    const { rows } = await client.query<{ id: number; people: number[] }>(
      `select c.id, c.people from (
         select id, array(select p from unnest($2::bigint[]) as p
                          where p = any(created) or p = any(members) or changed ? p::text) as people
         from import_changes where project_id = $1) as c
       where c.people <> '{}'`,
      [projectId, ids],
    )
    for (const person of rows.flatMap(({ people }) => people))
      count(stored.get(Number(person))!, 'importChanges', 1)
    await client.query(
      `update import_changes set changed = changed - $3::bigint[]::text[],
         created = array(select unnest(created) except select unnest($3::bigint[])),
         members = array(select unnest(members) except select unnest($3::bigint[]))
       where project_id = $1 and id = any($2::bigint[])`,
      [projectId, rows.map(({ id }) => id), ids],
    )
  })
}

/**
 * Imports a CSV of people through the REST API, and beside it what a script would do: csv-parse and
 * `INSERT … SELECT unnest … ON CONFLICT` in batches, into a table of its own with nothing but a primary key, and into one
 * with the indexes that people are searched by. Each run is a pair, in a fresh database. Memory is that of the server's
 * process above what it held before, at two sizes.
 */
import { once } from 'node:events'
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'csv-parse'
import pg from 'pg'
import { atEnd, closeAll, createProject, startFairway, startPostgres } from './machines.ts'
import { option, pairedRow, quick, type Row, report, runs } from './report.ts'

const rows = option('rows', quick ? 50_000 : 300_000)
/** To see that memory does not grow with the file. */
const manyRows = option('many', quick ? 150_000 : 1_500_000)
const ratioTarget = 0.6
const memoryTarget = 150

const directory = mkdtempSync(join(tmpdir(), 'fairway-bench-import-'))
atEnd(() => rmSync(directory, { recursive: true, force: true }))

async function makeFile(name: string, count: number): Promise<string> {
  const path = join(directory, name)
  const file = createWriteStream(path)
  file.write('id,email,first_name,last_name,plan,orders,signed_up,city\n')
  for (let n = 0; n < count; n++) {
    const line = `user-${n},user.${n}@example.com,Anna,"Smith, ${n % 500}",${['free', 'pro', 'team'][n % 3]},${n % 40},2026-01-0${(n % 9) + 1}T10:00:00Z,City ${n % 500}\n`
    if (!file.write(line)) await once(file, 'drain')
  }
  await new Promise<void>((done) => file.end(done))
  return path
}

/** Rows a second of the bare loop. */
async function bare(url: string, path: string, indexes: boolean): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`
    drop table if exists bare;
    create table bare (project_id integer not null, id bigint generated always as identity, external_id text collate "C" not null,
      email text, properties jsonb not null, updated_at timestamptz not null default now(),
      ${indexes ? 'primary key (project_id, id)' : 'primary key (project_id, external_id)'});`)
  if (indexes)
    await client.query(`
      create unique index on bare (project_id, external_id);
      create index on bare (project_id, (lower(email) collate "C"), id);
      create index on bare (project_id, (person_name(properties) collate "C"), id);
      create index on bare (project_id, updated_at desc, id desc);`)
  const insert = (batch: Record<string, string>[]) =>
    client.query({
      name: 'bare',
      text: `insert into bare (project_id, external_id, email, properties)
             select 1, id, email, properties from unnest($1::text[], $2::text[], $3::jsonb[]) as r (id, email, properties)
             on conflict (project_id, external_id) do update
               set email = excluded.email, properties = bare.properties || excluded.properties, updated_at = now()`,
      values: [
        batch.map(({ id }) => id),
        batch.map(({ email }) => email),
        batch.map(({ id: _id, email: _email, orders, ...rest }) =>
          JSON.stringify({ ...rest, orders: Number(orders) }),
        ),
      ],
    })
  const began = performance.now()
  let count = 0
  let batch: Record<string, string>[] = []
  for await (const row of createReadStream(path).pipe(parse({ columns: true }))) {
    batch.push(row)
    count++
    if (batch.length === 1_000) {
      await insert(batch)
      batch = []
    }
  }
  if (batch.length > 0) await insert(batch)
  const seconds = (performance.now() - began) / 1_000
  await client.end()
  return count / seconds
}

interface Measured {
  perSecond: number
  /** MB above what the process held before, at most. */
  memory: number
  uploadSeconds: number
}

async function fairwayImport(url: string, path: string): Promise<Measured> {
  const { project, secretKey } = await createProject(url, 'bench')
  const fairway = await startFairway(url)
  try {
    const base = `${fairway.url}/api/v1/projects/${project.id}/imports`
    const call = async (method: string, where: string, body?: unknown, type = 'application/json') => {
      const response = await fetch(base + where, {
        method,
        headers: {
          authorization: `Bearer ${secretKey}`,
          ...(body !== undefined && { 'content-type': type }),
        },
        body: body as BodyInit | undefined,
        duplex: 'half',
      } as RequestInit)
      if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`)
      return response.json() as Promise<{ id: number; state: string; counts: { created: number } }>
    }
    const { id } = await call('POST', '', JSON.stringify({ kind: 'people' }))
    await sleep(3_000)
    const idle = fairway.memory()
    let most = idle
    const watching = setInterval(() => {
      most = Math.max(most, fairway.memory())
    }, 50)
    let began = performance.now()
    await call('PUT', `/${id}/file?last=true`, createReadStream(path), 'application/octet-stream')
    const uploadSeconds = (performance.now() - began) / 1_000
    began = performance.now()
    await call('POST', `/${id}/start`, '{}')
    let state = ''
    let created = 0
    while (!['done', 'failed'].includes(state)) {
      await sleep(100)
      ;({
        state,
        counts: { created },
      } = await call('GET', `/${id}`))
    }
    const seconds = (performance.now() - began) / 1_000
    clearInterval(watching)
    if (state !== 'done') throw new Error(`the import ${state}`)
    return { perSecond: created / seconds, memory: most - idle, uploadSeconds }
  } finally {
    await fairway.stop()
  }
}

const postgres = await startPostgres()
try {
  const path = await makeFile('people.csv', rows)
  const pairs: { fairway: Measured; bare: number; indexed: number }[] = []
  for (let run = 1; run <= runs; run++) {
    const url = await postgres.database('fairway_import')
    const fairway = await fairwayImport(url, path)
    pairs.push({ fairway, bare: await bare(url, path, false), indexed: await bare(url, path, true) })
    console.log(`run ${run}:`, JSON.stringify(pairs.at(-1)))
  }
  const many = await fairwayImport(
    await postgres.database('fairway_import'),
    await makeFile('many.csv', manyRows),
  )
  const memory = (name: string, value: number): Row => ({
    case: name,
    unit: 'MB',
    ours: Math.round(value),
    peer: null,
    peerName: null,
    ratio: null,
    target: { atMost: memoryTarget },
  })
  report(
    quick ? 'import-short' : 'import',
    [
      pairedRow(
        'people from a CSV',
        'rows/s',
        pairs.map(({ fairway, bare }) => ({ ours: fairway.perSecond, peer: bare })),
        'csv-parse + INSERT … ON CONFLICT, one index',
        { ratio: ratioTarget },
      ),
      pairedRow(
        'people from a CSV',
        'rows/s',
        pairs.map(({ fairway, indexed }) => ({ ours: fairway.perSecond, peer: indexed })),
        'the same into a table with the indexes of people',
      ),
      memory(
        `memory above idle, ${rows.toLocaleString('en')} rows`,
        Math.max(...pairs.map(({ fairway }) => fairway.memory)),
      ),
      memory(`memory above idle, ${manyRows.toLocaleString('en')} rows`, many.memory),
    ],
    { rows, manyRows, fileBytes: statSync(path).size, pairs, many },
  )
} finally {
  await closeAll()
}

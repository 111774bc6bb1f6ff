/**
 * Scenario: one project imports millions of rows; another one, in the same process and database, sends receipts. How long
 * its transactional mails take from the request to the mailbox, before the import and while it runs.
 */
import { once } from 'node:events'
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { atEnd, closeAll, createProject, startFairway, startPostgres } from './machines.ts'
import { option, quick, type Row, report } from './report.ts'

const rows = option('rows', quick ? 200_000 : 5_000_000)
const mailsPerSecond = 20
const beforeSeconds = option('before', quick ? 5 : 20)

const directory = mkdtempSync(join(tmpdir(), 'fairway-bench-beside-'))
atEnd(() => rmSync(directory, { recursive: true, force: true }))

async function makeFile(): Promise<string> {
  const path = join(directory, 'people.csv')
  const file = createWriteStream(path)
  file.write('id,email,first_name,plan,orders\n')
  for (let n = 0; n < rows; n++)
    if (!file.write(`user-${n},user.${n}@example.com,Anna,${['free', 'pro', 'team'][n % 3]},${n % 40}\n`))
      await once(file, 'drain')
  await new Promise<void>((done) => file.end(done))
  return path
}

const postgres = await startPostgres()
try {
  const url = await postgres.database('fairway_beside')
  const importing = await createProject(url, 'imports')
  const sending = await createProject(url, 'sends receipts')
  const database = new pg.Pool({ connectionString: url, max: 2 })
  const fairway = await startFairway(url)
  const call = async (
    { project, secretKey }: typeof importing,
    method: string,
    path: string,
    body?: BodyInit,
    type = 'application/json',
  ) => {
    const response = await fetch(
      `${fairway.url}${path.startsWith('/v1') ? '' : `/api/v1/projects/${project.id}`}${path}`,
      {
        method,
        headers: {
          authorization: `Bearer ${secretKey}`,
          ...(body !== undefined && { 'content-type': type }),
        },
        body,
        duplex: 'half',
      } as RequestInit,
    )
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json() as Promise<{ id: number; state: string; counts: { created: number } }>
  }
  await call(
    sending,
    'POST',
    '/templates',
    JSON.stringify({
      name: 'Receipt',
      key: 'receipt',
      fromAddress: 'a@example.com',
      subject: 'Receipt',
      html: '<p>Thanks</p>',
    }),
  )

  let mails = 0
  /** Sends at an even pace until told to stop; a slow answer does not slow the pace. */
  async function send(until: () => boolean): Promise<void> {
    const waiting: Promise<unknown>[] = []
    for (let next = Date.now(); !until(); next += 1_000 / mailsPerSecond) {
      await sleep(Math.max(0, next - Date.now()))
      const n = mails++
      waiting.push(
        call(
          sending,
          'POST',
          '/v1/send/email',
          JSON.stringify({
            transactional_message_id: 'receipt',
            to: `buyer${n}@example.com`,
            identifiers: { email: `buyer${n}@example.com` },
          }),
        ),
      )
    }
    await Promise.all(waiting)
  }
  /** Of mails asked for in this time: ms until they were in the mailbox. */
  async function waits(
    from: Date,
    to: Date,
  ): Promise<{ p50: number; p99: number; worst: number; count: number }> {
    for (;;) {
      const { rows: found } = await database.query(
        `select count(*) filter (where state <> 'sent')::int as open, count(*)::int as count,
           percentile_cont(0.5) within group (order by ms)::float8 as p50, percentile_cont(0.99) within group (order by ms)::float8 as p99,
           max(ms)::float8 as worst
         from (select state, extract(epoch from settled_at - created_at) * 1000 as ms from messages
               where project_id = $1 and created_at between $2 and $3) as m`,
        [sending.project.id, from, to],
      )
      if (found[0].open === 0) return found[0]
      await sleep(200)
    }
  }

  const path = await makeFile()
  await send(
    (
      (end) => () =>
        Date.now() > end
    )(Date.now() + 3_000),
  )
  const quietFrom = new Date()
  await send(
    (
      (end) => () =>
        Date.now() > end
    )(Date.now() + beforeSeconds * 1_000),
  )
  const before = await waits(quietFrom, new Date())

  const { id } = await call(importing, 'POST', '/imports', JSON.stringify({ kind: 'people' }))
  await call(
    importing,
    'PUT',
    `/imports/${id}/file?last=true`,
    createReadStream(path) as never,
    'application/octet-stream',
  )
  while ((await call(importing, 'GET', `/imports/${id}`)).state !== 'ready') await sleep(100)
  const importFrom = new Date()
  await call(importing, 'POST', `/imports/${id}/start`, '{}')
  let state = 'importing'
  let created = 0
  const sendingAll = send(() => state !== 'importing')
  while (state === 'importing') {
    await sleep(250)
    ;({
      state,
      counts: { created },
    } = await call(importing, 'GET', `/imports/${id}`))
  }
  const importTo = new Date()
  await sendingAll
  if (state !== 'done' || created !== rows) throw new Error(`the import is ${state} with ${created} people`)
  const during = await waits(importFrom, importTo)
  const seconds = (importTo.getTime() - importFrom.getTime()) / 1_000
  await database.end()

  const row = (name: string, unit: string, ours: number, target?: Row['target']): Row => ({
    case: name,
    unit,
    ours: Math.round(ours),
    peer: null,
    peerName: null,
    ratio: null,
    ...(target && { target }),
  })
  report(
    quick ? 'import-beside-short' : 'import-beside',
    [
      row('transactional mail, p50, nothing else to do', 'ms', before.p50),
      row('transactional mail, p99, nothing else to do', 'ms', before.p99),
      row(
        `transactional mail, p50, another project imports ${rows.toLocaleString('en')} rows`,
        'ms',
        during.p50,
      ),
      row('the same, p99', 'ms', during.p99, { atMost: 100 }),
      row('the same, the slowest', 'ms', during.worst),
      row('the import meanwhile', 'rows/s', rows / seconds),
    ],
    { rows, mailsPerSecond, before, during },
  )
} finally {
  await closeAll()
}

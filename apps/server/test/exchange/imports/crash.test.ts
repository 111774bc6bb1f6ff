import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { until } from '../../../../../testing/until.ts'
import { findRunningEmbedded } from '../../../src/platform/db/embedded.ts'

const rows = 20_000
/** Whose end. One of the server costs the time until its worker's lease is over. */
const kills = {
  people: ['server', 'database', 'server', 'database'],
  events: ['database', 'server'],
} as const

let server: ServerProcess

beforeAll(async () => {
  server = await startServerProcess()
})
afterAll(() => server?.dispose())

/** Every tenth person is there twice, and every 50th row is wrong. */
const peopleFile = () =>
  ['id,email,plan,score,note']
    .concat(
      Array.from({ length: rows }, (_, n) => {
        const id = n % 10 === 9 ? n - 5 : n
        const score = n % 50 === 7 ? 'many' : String(n)
        return `p${id},p${id}@x.example,plan ${n % 7},${score},"line\n${n}, ""${n % 3}"""`
      }),
    )
    .join('\n')

const eventsFile = () =>
  ['user_id,event,time,amount']
    .concat(
      Array.from({ length: rows }, (_, n) =>
        n % 100 === 3
          ? `p${n},Bought,yesterday,1`
          : `p${n % 5_000},Bought,2026-0${(n % 6) + 1}-01T00:00:00Z,${n}`,
      ),
    )
    .join('\n')

const mapping = {
  id: { to: 'id' },
  email: { to: 'email' },
  plan: { to: 'property:plan' },
  score: { to: 'property:score', type: 'number' },
  note: { to: 'property:note' },
}

test('kill -9 of server or database at any moment of an import: every row counts once, and what is wrong is told once', async () => {
  const calm = await project('Calm')
  const struck = await project('Struck')
  for (const [kind, file, start] of [
    ['people', peopleFile(), { mapping }],
    ['events', eventsFile(), {}],
  ] as const) {
    const peaceful = await begin(calm, kind, file, start)
    await ended(calm, peaceful)
    const id = await begin(struck, kind, file, start)
    for (const victim of kills[kind]) {
      const before = await done(struck, id)
      if (before < rows) await untilAtLast(async () => (await done(struck, id)) > before)
      await sleep(Math.random() * 150)
      await end(victim)
    }
    await ended(struck, id)

    const [expected, found] = [await outcome(calm, peaceful), await outcome(struck, id)]
    expect(found.people).toEqual(expected.people)
    expect(found.events).toEqual(expected.events)
    expect(found.rejects).toEqual(expected.rejects)
    expect(found.counts).toEqual(expected.counts)
    expect(found.counts.rows).toBe(rows)
  }
}, 240_000)

interface Project {
  id: number
  key: string
}

async function project(name: string): Promise<Project> {
  const { project, secretKey } = JSON.parse(await server.cli('project', 'create', name, '--json'))
  return { id: project.id, key: secretKey }
}

async function call({ id, key }: Project, method: string, path: string, body?: object | string) {
  const response = await fetch(`${server.url}/api/v1/projects/${id}/imports${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': typeof body === 'string' ? 'application/octet-stream' : 'application/json',
    },
    body: typeof body === 'string' ? body : JSON.stringify(body ?? {}),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(JSON.stringify(answer))
  return answer
}

async function end(victim: 'server' | 'database'): Promise<void> {
  if (victim === 'server') {
    await server.kill()
    await server.restart()
  } else {
    server.killDatabase()
    await untilAtLast(async () => (await query('select 1')).length === 1)
  }
}

/** On a connection of its own: the database comes and goes. */
async function query(text: string, values: unknown[] = []) {
  const url = findRunningEmbedded(server.dataDir)
  if (!url) throw new Error('no PostgreSQL is running')
  const client = new pg.Client(url)
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

async function begin(of: Project, kind: string, file: string, start: object): Promise<number> {
  const { id } = await call(of, 'POST', '', { kind })
  await call(of, 'PUT', `/${id}/file?last=true`, file)
  await call(of, 'POST', `/${id}/start`, start)
  return id
}

async function done(of: Project, id: number): Promise<number> {
  const [task] = await query(
    'select t.done from imports i join tasks t on t.id = i.task_id where i.project_id = $1 and i.id = $2',
    [of.id, id],
  )
  return Number(task.done)
}

const ended = (of: Project, id: number) =>
  untilAtLast(async () => {
    const [found] = await query('select state from imports where project_id = $1 and id = $2', [of.id, id])
    return found.state === 'done'
  })

async function outcome(of: Project, id: number) {
  const ask = (text: string, ...values: unknown[]) => query(text, [of.id, ...values])
  const { counts } = (await ask('select counts from imports where project_id = $1 and id = $2', id))[0] as {
    counts: Record<string, number>
  }
  return {
    people: await ask(
      `select external_id, email, properties, (select count(*) from person_changes c
         where c.project_id = $1 and c.person_id = p.id) as changes
       from people p where project_id = $1 order by 1`,
    ),
    events: await ask(
      `select p.external_id, e.name, e.occurred_at, e.properties from events e join people p on p.id = e.person_id
       where e.project_id = $1 order by (e.properties ->> 'amount')::int, 1`,
    ),
    rejects: await ask(
      'select line, column_name, reason, cells from import_rejects where project_id = $1 and import_id = $2 order by position',
      id,
    ),
    // Which of two rows about one person changed them depends on where the steps are cut.
    counts: {
      rows: counts.rows,
      created: counts.created,
      rejected: counts.rejected,
      others: counts.updated! + counts.unchanged!,
    },
  }
}

/** PostgreSQL may be away when it is asked. A server that ended says why. */
async function untilAtLast(look: () => Promise<boolean>): Promise<void> {
  let trouble: unknown
  try {
    await until(() =>
      look().catch((error: unknown) => {
        trouble = error
        return false
      }),
    )
  } catch (error) {
    console.error(trouble, server.stderr.slice(-4_000))
    throw error
  }
}

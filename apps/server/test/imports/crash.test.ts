import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../testing/postgres.ts'
import { type ServerProcess, startServerProcess } from '../../../../testing/process.ts'

const rows = 20_000
/** Each costs the time until a dead worker's lease ends. */
const kills = { people: 3, events: 1 }

let database: TestDatabase
let server: ServerProcess

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startServerProcess({ env: { DATABASE_URL: database.url } })
})
afterAll(async () => {
  await server?.dispose()
  await database?.drop()
})

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

test('kill -9 at any moment of an import: every row counts once, and what is wrong is told once', async () => {
  const calm = await project('Calm')
  const struck = await project('Struck')
  for (const [kind, file, start] of [
    ['people', peopleFile(), { mapping }],
    ['events', eventsFile(), {}],
  ] as const) {
    const peaceful = await begin(calm, kind, file, start)
    await ended(calm, peaceful)
    const id = await begin(struck, kind, file, start)
    for (let kill = 0; kill < kills[kind]; kill++) {
      const before = await done(struck, id)
      if (before < rows) await until(async () => (await done(struck, id)) > before)
      await sleep(Math.random() * 150)
      await server.kill()
      await server.restart()
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

async function begin(of: Project, kind: string, file: string, start: object): Promise<number> {
  const { id } = await call(of, 'POST', '', { kind })
  await call(of, 'PUT', `/${id}/file?last=true`, file)
  await call(of, 'POST', `/${id}/start`, start)
  return id
}

async function done(of: Project, id: number): Promise<number> {
  const { rows } = await database.pool.query<{ done: number }>(
    'select t.done from imports i join tasks t on t.id = i.task_id where i.project_id = $1 and i.id = $2',
    [of.id, id],
  )
  return rows[0]!.done
}

const ended = (of: Project, id: number) =>
  until(async () => {
    const { rows } = await database.pool.query(
      'select state from imports where project_id = $1 and id = $2',
      [of.id, id],
    )
    return rows[0].state === 'done'
  }, 90_000)

async function outcome(of: Project, id: number) {
  const query = async (text: string, ...values: unknown[]) =>
    (await database.pool.query(text, [of.id, ...values])).rows
  const { counts } = (await query('select counts from imports where project_id = $1 and id = $2', id))[0] as {
    counts: Record<string, number>
  }
  return {
    people: await query(
      `select external_id, email, properties, (select count(*) from person_changes c
         where c.project_id = $1 and c.person_id = p.id) as changes
       from people p where project_id = $1 order by 1`,
    ),
    events: await query(
      `select p.external_id, e.name, e.occurred_at, e.properties from events e join people p on p.id = e.person_id
       where e.project_id = $1 order by (e.properties ->> 'amount')::int, 1`,
    ),
    rejects: await query(
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

async function until(condition: () => Promise<boolean>, mostMs = 60_000): Promise<void> {
  const giveUp = Date.now() + mostMs
  while (!(await condition())) {
    if (Date.now() > giveUp) throw new Error('the condition was not met in time')
    await sleep(10)
  }
}

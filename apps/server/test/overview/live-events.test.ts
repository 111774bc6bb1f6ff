import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { createKey } from '../../src/accounts/keys.ts'
import { createProject } from '../../src/accounts/projects.ts'
import { ensurePartitions } from '../../src/events/partitions.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
})
afterAll(() => server.close())

async function addEvent(projectId: number, name: string, at = new Date()): Promise<void> {
  await ensurePartitions(server.app.pool, [at.getTime()])
  await server.app.pool.query(
    `with person as (
       insert into people (project_id, external_id, email) values ($1, gen_random_uuid()::text, 'ann@example.com') returning id
     )
     insert into events (project_id, person_id, id, name, folded_name, properties, occurred_at)
     select $1, id, gen_random_uuid(), $2, lower($2), '{"price":3}', $3 from person`,
    [projectId, name, at],
  )
}

const open = (projectId: number, key: string, signal?: AbortSignal) =>
  fetch(`${server.url}/api/v1/projects/${projectId}/live`, {
    headers: { authorization: `Bearer ${key}` },
    signal,
  })

/** What the stream has brought so far. */
function watch(response: Response) {
  const stream = { names: [] as string[], events: [] as Record<string, unknown>[], ended: false }
  void (async () => {
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const messages = text.split('\n\n')
      text = messages.pop()!
      for (const message of messages) {
        const data = /^event: event\ndata: (.*)$/.exec(message)?.[1]
        if (!data) continue
        stream.events.push(JSON.parse(data))
        stream.names.push(JSON.parse(data).name)
      }
    }
    stream.ended = true
  })().catch(() => (stream.ended = true))
  return stream
}

test('of one person brings only theirs', async () => {
  const { id: projectId } = (await createProject(server.app, { name: 'Person' })).project
  await addEvent(projectId, 'Mine', new Date(Date.now() - 5_000))
  await addEvent(projectId, 'Theirs', new Date(Date.now() - 4_000))
  const { rows } = await server.app.pool.query<{ person_id: number }>(
    `select person_id from events where project_id = $1 and name = 'Mine'`,
    [projectId],
  )
  const { key } = await createKey(server.app, projectId, { kind: 'secret' })
  const look = (person: string, signal?: AbortSignal) =>
    fetch(`${server.url}/api/v1/projects/${projectId}/people/${person}/live`, {
      headers: { authorization: `Bearer ${key}` },
      signal,
    })
  expect((await look('999999')).status).toBe(404)
  const abort = new AbortController()
  const stream = watch(await look(String(rows[0]!.person_id), abort.signal))
  await expect.poll(() => stream.names).toEqual(['Mine'])
  await server.app.pool.query(
    `insert into events (project_id, person_id, id, name, folded_name, occurred_at)
     values ($1, $2, gen_random_uuid(), 'Mine too', 'mine too', $3)`,
    [projectId, rows[0]!.person_id, new Date()],
  )
  await addEvent(projectId, 'Theirs too')
  await expect.poll(() => stream.names, { timeout: 5_000 }).toEqual(['Mine', 'Mine too'])
  abort.abort()
})

test('brings the latest events, then each new one once, to everybody who looks', async () => {
  const abort = new AbortController()
  await addEvent(server.projectId, 'Before', new Date(Date.now() - 5_000))
  await addEvent(server.projectId, 'Long ago', new Date(Date.now() - 86_400_000))
  const response = await open(server.projectId, server.secretKey, abort.signal)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  expect(response.headers.get('cache-control')).toBe('no-store')
  const first = watch(response)
  await expect.poll(() => first.names).toEqual(['Before'])

  await addEvent(server.projectId, 'One')
  await expect.poll(() => first.names, { timeout: 10_000 }).toEqual(['Before', 'One'])
  expect(first.events[1]).toMatchObject({ properties: { price: 3 }, person: { email: 'ann@example.com' } })

  const second = watch(await open(server.projectId, server.secretKey, abort.signal))
  await expect.poll(() => second.names).toEqual(['Before', 'One'])
  await addEvent(server.projectId, 'Two')
  await expect.poll(() => second.names, { timeout: 10_000 }).toEqual(['Before', 'One', 'Two'])
  await expect.poll(() => first.names, { timeout: 10_000 }).toEqual(['Before', 'One', 'Two'])
  abort.abort()
})

test("never shows another project's events, and needs the right to look", async () => {
  const { project, secretKey } = await createProject(server.app, { name: 'Quiet' })
  expect((await open(server.projectId, secretKey)).status).toBe(403)
  const abort = new AbortController()
  const stream = watch(await open(project.id, secretKey, abort.signal))
  await addEvent(server.projectId, 'Theirs')
  await addEvent(project.id, 'Ours')
  await expect.poll(() => stream.names, { timeout: 10_000 }).toEqual(['Ours'])
  abort.abort()
})

test('is limited per project, and room is made by those who leave', async () => {
  const { project, secretKey } = await createProject(server.app, { name: 'Popular' })
  const abort = new AbortController()
  const opened = await Promise.all(
    Array.from({ length: 20 }, () => open(project.id, secretKey, abort.signal)),
  )
  expect(opened.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const refused = await open(project.id, secretKey)
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('30')
  abort.abort()
  await expect
    .poll(async () => {
      const response = await open(project.id, secretKey)
      await response.body?.cancel()
      return response.status
    })
    .toBe(200)
})

test('does not keep the server from stopping', async () => {
  const other = await startTestServer({ config: { role: 'api' } })
  const response = await fetch(`${other.url}/api/v1/projects/${other.projectId}/live`, {
    headers: { authorization: `Bearer ${other.secretKey}` },
  })
  const stream = watch(response)
  await other.close()
  await expect.poll(() => stream.ended).toBe(true)
})

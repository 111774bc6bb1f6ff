import { type AddressInfo, connect } from 'node:net'
import Fastify from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { until } from '../../../../../testing/until.ts'
import { createKey } from '../../../src/accounts/keys.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { ensurePartitions } from '../../../src/audience/events/partitions.ts'
import { type EventStream, openEventStream } from '../../../src/operations/overview/event-stream.ts'
import { type ConsoleClient, signIn } from '../../accounts/console-client.ts'

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

const open = (projectId: number, key: string, signal?: AbortSignal, of = '') =>
  fetch(`${server.url}/api/v1/projects/${projectId}${of}/live`, {
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

test('is limited per project, whoever of it is watched, and room is made by those who leave', async () => {
  const { project, secretKey } = await createProject(server.app, { name: 'Popular' })
  const abort = new AbortController()
  const opened = await Promise.all(
    Array.from({ length: 20 }, () => open(project.id, secretKey, abort.signal)),
  )
  expect(opened.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const { rows } = await server.app.pool.query(
    'insert into people (project_id, external_id) values ($1, 1) returning id',
    [project.id],
  )
  const refused = await open(project.id, secretKey, undefined, `/people/${rows[0].id}`)
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

test('is limited per organization as well: its fourth project has none, another organization has its own', async () => {
  const { app } = server
  const newOrganization = async (id: string) => {
    await app.pool.query(`insert into organizations (id, name, slug) values ($1, $1, $1)`, [id])
    return id
  }
  const [many, other] = [await newOrganization('many'), await newOrganization('other')]
  const projectOf = (organizationId: string) => createProject(app, { name: 'One', organizationId })
  const abort = new AbortController()
  const opens = async ({ project, secretKey }: Awaited<ReturnType<typeof projectOf>>, times: number) => {
    const replies = await Promise.all(
      Array.from({ length: times }, () => open(project.id, secretKey, abort.signal)),
    )
    return replies.map(({ status }) => status)
  }
  for (let project = 0; project < 3; project++)
    expect(await opens(await projectOf(many), 20)).toEqual(Array(20).fill(200))
  expect(await opens(await projectOf(many), 1)).toEqual([429])
  expect(await opens(await projectOf(other), 1)).toEqual([200])
  abort.abort()
})

test('ends with the right to look: of a key, a session, a membership, a project', async () => {
  const { app, url } = server
  const { project, secretKey } = await createProject(app, { name: 'Closing' })
  const revoked = await createKey(app, server.projectId, { kind: 'secret' })
  const [signedOut, removed] = await Promise.all(
    ['out@example.com', 'removed@example.com'].map((email) => signIn(app, url, email)),
  )
  const look = async (client: ConsoleClient) =>
    watch(await client.fetch(`/api/v1/projects/${server.projectId}/live`))
  const streams = [
    watch(await open(server.projectId, revoked.key)),
    await look(signedOut!),
    await look(removed!),
    watch(await open(project.id, secretKey)),
  ]
  const abort = new AbortController()
  const staying = watch(await open(server.projectId, server.secretKey, abort.signal))

  // As other processes do it.
  await app.pool.query('update api_keys set revoked_at = now() where id = $1', [revoked.id])
  await app.pool.query(
    `delete from sessions where "userId" = (select id from users where email = 'out@example.com')`,
  )
  await app.pool.query(
    `delete from members where "userId" = (select id from users where email = 'removed@example.com')`,
  )
  await app.pool.query('update projects set deleted_at = now() where id = $1', [project.id])

  for (const stream of streams) await until(() => stream.ended)
  expect(staying.ended).toBe(false)
  abort.abort()
})

test('leaves out the properties of events that are large', async () => {
  const { project, secretKey } = await createProject(server.app, { name: 'Large' })
  await addEvent(project.id, 'Large')
  await server.app.pool.query(
    `update events set properties = jsonb_build_object('text', repeat('x', 9000)) where project_id = $1`,
    [project.id],
  )
  const abort = new AbortController()
  const stream = watch(await open(project.id, secretKey, abort.signal))
  await until(() => stream.events.length > 0)
  expect(stream.events[0]).toMatchObject({ name: 'Large', properties: {}, cut: true })
  abort.abort()
})

test('cuts off a reader that is gone without a word, and holds little for it meanwhile', async () => {
  const fastify = Fastify()
  let closed = 0
  let stream: EventStream | undefined
  let held = () => 0
  fastify.get('/', (request, reply) => {
    held = () => reply.raw.writableLength
    stream = openEventStream(request, reply, () => closed++, { everyMs: 20 })
  })
  await fastify.listen({ host: '127.0.0.1', port: 0 })
  const { port } = fastify.server.address() as AddressInfo
  const dead = connect(port, '127.0.0.1').on('error', () => {})
  dead.pause().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await until(() => stream)
  const event = JSON.stringify({ text: 'x'.repeat(100_000) })
  // The system itself holds some megabytes for a connection.
  await until(() => {
    stream!.send('event', event)
    expect(held()).toBeLessThan(1_200_000)
    return closed === 1
  })
  dead.destroy()
  await fastify.close()
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

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasJava, type LocalDynamodb, startDynamodb } from '../../../../../testing/dynamodb.ts'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import type { DeadJob } from '../../../src/operations/queue/dead-letters.ts'
import { writeCursor } from '../../../src/platform/db/cursor.ts'
import { bury, type Caller, callAs } from './support.ts'

const java = await hasJava()
if (!java)
  console.warn(
    'Dead letters in DynamoDB are not tested: DynamoDB Local needs a Java runtime, which is not installed',
  )

describe.skipIf(!java)('dead letters of a queue in DynamoDB', () => {
  let dynamodb: LocalDynamodb
  let server: TestServer
  let shop: Caller
  let other: Caller

  beforeAll(async () => {
    dynamodb = await startDynamodb()
    server = await startTestServer({
      config: {
        role: 'api',
        queueStore: 'dynamodb',
        dynamodbEndpoint: dynamodb.endpoint,
        dynamodbTable: 'fairway-dead-letters-test',
      },
    })
    const caller = async (name: string) => {
      const { project, secretKey } = await createProject(server.app, { name })
      return { id: project.id, secretKey }
    }
    shop = await caller('Shop')
    other = await caller('Other')
  })
  afterAll(async () => {
    await server?.close()
    await dynamodb?.stop()
  })

  const call = (project: Caller, method: string, path: string, body?: unknown) =>
    callAs(server, project, method, `/queue/dead-letters${path}`, body)
  const list = async (project: Caller, query = '') =>
    (await call(project, 'GET', query)).json.items as DeadJob[]
  const reasons = async (project: Caller) => (await list(project)).map(({ reason }) => reason)
  const open = (project: Caller, ref: string) => call(project, 'GET', `/${encodeURIComponent(ref)}`)

  test("are listed, opened, run again and removed by their refs, each project's own only", async () => {
    const large = `large ${'x'.repeat(100_000)}`
    const job = { lane: 'bulk', name: 'work' }
    await bury(server, [
      { ...job, project: shop.id, data: 'mine 1' },
      { ...job, project: other.id, data: 'theirs 1' },
      { ...job, project: shop.id, data: large },
      { ...job, project: shop.id, data: 'mine 3' },
      { ...job, project: other.id, data: 'theirs 2' },
    ])

    const first = (await call(shop, 'GET', '?limit=2')).json
    const second = (await call(shop, 'GET', `?limit=2&cursor=${first.nextCursor}`)).json
    expect(second.nextCursor).toBeNull()
    const mine = [...first.items, ...second.items] as DeadJob[]
    expect(mine.map(({ reason }) => reason.slice(0, 6))).toEqual(['mine 3', 'large ', 'mine 1'])
    expect(await list(shop)).toEqual(mine)
    for (const letter of mine) expect(letter).not.toHaveProperty('data')
    // Where a list ended before the jobs moved here.
    expect(await list(shop, `?cursor=${writeCursor('17')}`)).toEqual(mine)

    const [three, two, one] = mine as [DeadJob, DeadJob, DeadJob]
    expect((await open(shop, three.ref)).json).toEqual({ ...three, data: 'mine 3' })
    expect((await open(shop, two.ref)).json).toEqual({ ...two, data: large })
    expect((await open(shop, '17')).status).toBe(404)

    const theirs = (await list(other)).map(({ ref }) => ref)
    expect(theirs).toHaveLength(2)
    for (const ref of theirs) expect((await open(shop, ref)).status).toBe(404)
    expect((await call(shop, 'POST', '/redrive', { refs: theirs })).json).toEqual({ redriven: 0 })
    expect((await call(shop, 'POST', '/discard', { refs: theirs })).json).toEqual({ discarded: 0 })

    const again = { refs: [theirs[0], two.ref, '17', two.ref] }
    expect((await call(shop, 'POST', '/redrive', again)).json).toEqual({ redriven: 1 })
    expect((await call(shop, 'POST', '/redrive', again)).json).toEqual({ redriven: 0 })
    const gone = { refs: [one.ref, theirs[1]] }
    expect((await call(shop, 'POST', '/discard', gone)).json).toEqual({ discarded: 1 })
    expect(await reasons(shop)).toEqual(['mine 3'])
    expect(await reasons(other)).toEqual(['theirs 2', 'theirs 1'])
    const waiting = async () => {
      const tenants = await server.app.queue.tenants(10, { tenant: String(shop.id) })
      return tenants.map(({ lane, waitingJobs }) => [lane, waitingJobs])
    }
    await expect.poll(waiting, { timeout: 30_000 }).toEqual([['bulk', 1]])

    const all = { matching: {}, confirm: true }
    expect((await call(other, 'POST', '/discard', all)).json).toEqual({ discarded: 2 })
    expect(await reasons(shop)).toEqual(['mine 3'])
  }, 120_000)
})

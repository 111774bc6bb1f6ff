import { afterAll, beforeAll, expect, it } from 'vitest'
import { request } from '../../ingest/helpers.ts'
import { type Bench, startBench } from '../../ingest/process-support.ts'

let bench: Bench
beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench?.close())

const call = (method: string, path: string, body?: unknown) =>
  request(bench, method, `/api/v1/projects/${bench.projectId}${path}`, body, {
    authorization: `Bearer ${bench.secretKey}`,
  })

const plan = { properties: { plan: 'pro' } }

it('nobody new gets an id that no event could name', async () => {
  expect((await call('PUT', `/people/id:${'x'.repeat(254)}`, plan)).status).toBe(200)
  const refused = await call('PUT', `/people/id:${'x'.repeat(255)}`, plan)
  expect(refused).toMatchObject({
    status: 422,
    body: { field: 'person', detail: expect.stringContaining('shorter than 255 characters') },
  })
})

it.each([255, 300, 1_000])(
  'people with an id of %s characters from before are there by it',
  async (length) => {
    const id = 'ü'.repeat(length)
    await bench.rows(
      `insert into people (project_id, external_id, created_at, updated_at) values ($1, $2, '2020-01-01', '2020-01-01')`,
      bench.projectId,
      id,
    )
    const path = `/people/id:${encodeURIComponent(id)}`
    expect(await call('GET', path)).toMatchObject({ status: 200, body: { externalId: id } })
    expect(await call('PUT', path, plan)).toMatchObject({ status: 200, body: plan })
    expect(await call('PATCH', path, { properties: { plan: 'free' } })).toMatchObject({ status: 200 })
    const made = await call('POST', '/segments', { name: `By hand ${length}`, manual: true })
    const { id: segment } = made.body as { id: number }
    const added = await call('POST', `/segments/${segment}/members`, { add: [`id:${id}`] })
    expect(added.status).toBe(200)
    expect((await call('GET', `${path}/timeline`)).status).toBe(200)
    expect(await call('DELETE', path)).toMatchObject({ status: 200, body: { removed: { people: 1 } } })
    expect((await call('GET', path)).status).toBe(404)
  },
)

it('an id that none can have is refused, not a failure', async () => {
  expect((await call('GET', `/people/id:${'x'.repeat(1_001)}`)).status).toBe(422)
  expect((await call('GET', `/people/id:${'x'.repeat(5_000)}`)).status).toBeLessThan(500)
})

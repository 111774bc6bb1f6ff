import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import type { Condition } from '../../../src/audience/conditions/language.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.close())

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.url}/api/v1/projects/${server.projectId}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${server.secretKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

/** Asks until it is so: workers are at work. */
async function eventually<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const answer = await ask()
    if (isSo(answer) || tries === 600) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const pro: Condition = { person: 'plan', operator: 'equals', value: 'pro' }
const person = (id: string, properties: object) => call('PUT', `/people/id:${id}`, { properties })
let names = 0
const fresh = () => `Segment ${++names}`
const create = async (body: object) => (await call('POST', '/segments', { name: fresh(), ...body })).body

describe('segments over HTTP', () => {
  beforeEach(async () => {
    await person('ada', { plan: 'pro' })
    await person('ben', { plan: 'free' })
  })

  it('are built, list their members and follow them', async () => {
    const segment = await create({ conditions: pro })
    expect(segment).toMatchObject({ kind: 'dynamic', conditions: pro })
    const ready = await eventually(
      () => call('GET', `/segments/${segment.id}`),
      ({ body }) => body.state === 'ready',
    )
    expect(ready.body).toMatchObject({ state: 'ready', size: 1, task: null })
    const members = () => call('GET', `/segments/${segment.id}/members`)
    expect((await members()).body.items).toMatchObject([{ person: { externalId: 'ada' } }])
    await person('ben', { plan: 'pro' })
    await person('ada', { plan: 'free' })
    const later = await eventually(members, ({ body }) => body.items[0]?.person.externalId === 'ben')
    expect(later.body.items).toHaveLength(1)
    const timeline = await call('GET', '/people/id:ben/timeline')
    expect(timeline.body.items[0]).toMatchObject({ kind: 'event', name: `Entered segment: ${segment.name}` })
    expect((await call('GET', '/people/id:ben')).body.segments).toContainEqual({
      id: segment.id,
      name: segment.name,
    })
  })

  it('may be made by hand', async () => {
    const segment = await create({ manual: true })
    expect(segment).toMatchObject({ kind: 'manual', conditions: null, state: 'ready', size: 0 })
    const change = (body: object) => call('POST', `/segments/${segment.id}/members`, body)
    expect((await change({ add: ['id:ada', 'id:ben', 'id:ada'] })).body.size).toBe(2)
    expect((await change({ add: ['id:ada'], remove: ['id:ben'] })).body.size).toBe(1)
    expect(await change({ add: ['id:ada', 'id:nobody'] })).toMatchObject({
      status: 422,
      body: { field: 'add.1' },
    })
    const dynamic = await create({ conditions: pro })
    expect(await call('POST', `/segments/${dynamic.id}/members`, { add: ['id:ada'] })).toMatchObject({
      status: 409,
    })
    expect(await call('PATCH', `/segments/${segment.id}`, { conditions: pro })).toMatchObject({ status: 409 })
    // Another one that names it follows.
    const outer = await create({ conditions: { segment: segment.id } })
    const size = () => call('GET', `/segments/${outer.id}`)
    await eventually(size, ({ body }) => body.size === 1)
    await change({ add: ['id:ben'] })
    expect((await eventually(size, ({ body }) => body.size === 2)).body.size).toBe(2)
  })

  it('are not deleted while something names them, and say what', async () => {
    const inner = await create({ conditions: pro })
    const outer = await create({ conditions: { all: [{ segment: inner.id }, { tag: 'vip' }] } })
    const template = (await call('POST', '/templates', { name: 'T' })).body
    const campaign = (
      await call('POST', '/campaigns', {
        name: 'Welcome',
        triggerEvent: `Entered segment: ${outer.name}`,
        templateId: template.id,
      })
    ).body
    const refused = await call('DELETE', `/segments/${inner.id}`)
    expect(refused).toMatchObject({
      status: 409,
      body: { usedBy: [{ kind: 'segment', id: outer.id, name: outer.name }] },
    })
    expect(await call('DELETE', `/segments/${outer.id}`)).toMatchObject({
      status: 409,
      body: { usedBy: [{ kind: 'campaign', id: campaign.id }] },
    })
    // The campaign follows the name.
    await call('PATCH', `/segments/${outer.id}`, { name: `${outer.name} renamed` })
    expect((await call('GET', `/campaigns/${campaign.id}`)).body.triggerEvent).toBe(
      `Entered segment: ${outer.name} renamed`,
    )
    await call('DELETE', `/campaigns/${campaign.id}`)
    expect((await call('DELETE', `/segments/${outer.id}`)).status).toBe(204)
    expect((await call('DELETE', `/segments/${inner.id}`)).status).toBe(204)
    expect((await call('GET', `/segments/${inner.id}`)).status).toBe(404)
  })

  it('refuse circles, wherever they close', async () => {
    const a = await create({ conditions: pro })
    const b = await create({ conditions: { segment: a.id } })
    const c = await create({ conditions: { not: { segment: b.id } } })
    for (const target of [a, b, c]) {
      const answer = await call('PATCH', `/segments/${a.id}`, {
        conditions: { any: [pro, { segment: target.id }] },
      })
      expect(answer).toMatchObject({ status: 422 })
      expect(answer.body.detail).toContain('circle')
    }
    expect(
      await call('POST', '/segments', { name: fresh(), conditions: { segment: 999_999 } }),
    ).toMatchObject({
      status: 422,
    })
  })

  it('can be counted before they exist', async () => {
    const { body } = await call('POST', '/segments/preview', { conditions: pro, exact: true })
    expect(body).toMatchObject({ exact: true, sampled: null })
    expect(body.count).toBe(body.sample.length)
    expect((await call('POST', '/segments/preview', { conditions: { person: 'plan' } })).status).toBe(422)
  })

  it('name the place of what is wrong', async () => {
    const place = async (body: unknown) => (await call('POST', '/segments', body)).body.field
    expect(await place({ conditions: pro })).toBe('name')
    expect(await place({ name: 'X' })).toBe('conditions')
    expect(await place({ name: 'X', manual: true, conditions: pro })).toBe('conditions')
    expect(await place({ name: 'X', conditions: { trigger: 'a', operator: 'is_set' } })).toBe(
      'conditions.trigger',
    )
    expect(
      await place({ name: 'X', conditions: { event: 'a', first: { operator: '>', value: 'soon' } } }),
    ).toBe('conditions.first.value')
    const name = fresh()
    await call('POST', '/segments', { name, conditions: pro })
    expect(await call('POST', '/segments', { name: name.toUpperCase(), manual: true })).toMatchObject({
      status: 409,
    })
  })
})

it('a large project is estimated from a sample, near the truth', async () => {
  await server.app.pool.query(
    `insert into people (project_id, external_id, properties)
     select $1, 'many-' || i, jsonb_build_object('plan', case when i % 4 = 0 then 'team' else 'free' end)
     from generate_series(1, 20000) as s (i)`,
    [server.projectId],
  )
  const conditions: Condition = { person: 'plan', operator: 'equals', value: 'team' }
  const { body } = await call('POST', '/segments/preview', { conditions })
  expect(body).toMatchObject({ exact: false, sampled: expect.any(Number) })
  expect(body.sampled).toBeLessThanOrEqual(2_000)
  // A quarter of everybody; six standard deviations.
  expect(Math.abs(body.count - 5_000)).toBeLessThan(1_200)
  const exact = await call('POST', '/segments/preview', { conditions, exact: true })
  expect(exact.body).toMatchObject({ exact: true, count: 5_000 })
})

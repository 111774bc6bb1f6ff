import { afterAll, beforeAll, expect, test } from 'vitest'
import { campaignOrigin } from '../../../src/automation/campaigns/origin.ts'
import { openShop, type Shop } from './support.ts'

let shop: Shop
beforeAll(async () => void (shop = await openShop()))
afterAll(() => shop?.close())

async function call(method: string, path: string, body?: unknown, project = shop.projectId) {
  const response = await fetch(`${shop.url}/api/v1/projects/${project}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${shop.secretKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : undefined }
}

interface Described {
  paths: Record<string, { post: { requestBody: { content: Record<string, { schema: object }> } } }>
}

const minimal = () => ({ name: 'Thanks', triggerEvent: 'Purchased item', templateId: shop.templateId })

test('a campaign is created off with defaults, read, changed, switched and deleted', async () => {
  const created = await call('POST', '/campaigns', minimal())
  expect(created.status).toBe(201)
  expect(created.body).toEqual({
    ...minimal(),
    id: expect.any(Number),
    state: 'off',
    wait: { kind: 'immediately' },
    conditions: null,
    frequency: null,
    consent: { kind: 'marketing' },
    transactional: false,
    createdAt: shop.clock.now.toISOString(),
    updatedAt: shop.clock.now.toISOString(),
    senderProblem: null,
  })
  const path = `/campaigns/${created.body.id}`
  const changes = {
    state: 'live',
    triggerEvent: 'Left cart',
    wait: { kind: 'after', days: 1 },
    conditions: { not: { tag: 'vip' } },
    frequency: { notAgainWithinDays: -1 },
    consent: { kind: 'legal', reason: 'The terms changed' },
  }
  const updatedAt = expect.any(String)
  const changed = { ...created.body, ...changes, transactional: true }
  expect((await call('PATCH', path, changes)).body).toEqual({ ...changed, updatedAt })
  expect((await call('PATCH', path, { conditions: null, frequency: null, wait: undefined })).body).toEqual({
    ...changed,
    conditions: null,
    frequency: null,
    updatedAt,
  })
  expect((await call('GET', path)).body).toMatchObject({ state: 'live', triggerEvent: 'Left cart' })
  expect((await call('DELETE', path)).status).toBe(204)
  for (const method of ['GET', 'DELETE']) expect((await call(method, path)).status).toBe(404)
  expect((await call('PATCH', path, { name: 'x' })).status).toBe(404)
  expect((await call('GET', `${path}/report`)).status).toBe(404)
  expect((await call('GET', `${path}/messages`)).status).toBe(404)
})

test.each<[string, unknown]>([
  ['body', []],
  ['name', { name: '' }],
  ['name', { name: 7 }],
  ['triggerEvent', { triggerEvent: ' - ' }],
  ['templateId', { templateId: 1.5 }],
  ['templateId', { templateId: 2_000_000_000 }],
  ['state', { state: 'on' }],
  ['transactional', { transactional: 'yes' }],
  ['transactional', { transactional: true, consent: { kind: 'marketing' } }],
  ['consent', { consent: 'marketing' }],
  ['consent.kind', { consent: { kind: 'implied' } }],
  ['consent.topic', { consent: { kind: 'marketing', topic: '' } }],
  ['consent.topic', { consent: { kind: 'transactional', topic: 'news' } }],
  ['consent.reason', { consent: { kind: 'legal' } }],
  ['wait.time', { wait: { kind: 'at_local_time', time: '9am' } }],
  [
    'conditions.all.1.value',
    { conditions: { all: [{ tag: 'a' }, { person: 'p', operator: '>', value: 'x' }] } },
  ],
  ['frequency', { frequency: 7 }],
  ['frequency.notAgainWithinDays', { frequency: { notAgainWithinDays: 0 } }],
  ['frequency.perWeek', { frequency: { notAgainWithinDays: 1, perWeek: 1 } }],
  ['color', { color: 'red' }],
])('a bad %s is named', async (field, over) => {
  const body = Array.isArray(over) ? over : { ...minimal(), ...(over as object) }
  const { status, body: problem } = await call('POST', '/campaigns', body)
  expect(status).toBe(422)
  expect(problem).toMatchObject({ code: 'invalid_field' })
  if (field !== 'body') {
    expect(problem).toMatchObject({ field, detail: expect.stringContaining(field) })
  }
})

test.each(['name', 'triggerEvent', 'templateId'])('%s is required', async (field) => {
  const { status, body } = await call('POST', '/campaigns', { ...minimal(), [field]: undefined })
  expect([status, body.field]).toEqual([422, field])
})

test('what callers of before say by `transactional` changes the consent where it says otherwise', async () => {
  const { body: created } = await call('POST', '/campaigns', { ...minimal(), transactional: true })
  expect(created).toMatchObject({ consent: { kind: 'transactional' }, transactional: true })
  const patch = async (body: object) => {
    const { body: changed } = await call('PATCH', `/campaigns/${created.id}`, body)
    return [changed.consent, changed.transactional]
  }
  expect(await patch({ transactional: false })).toEqual([{ kind: 'marketing' }, false])
  const news = { kind: 'marketing', topic: 'news' }
  expect(await patch({ consent: news })).toEqual([news, false])
  expect(await patch({ transactional: false })).toEqual([news, false])
  expect(await patch({ name: 'Other' })).toEqual([news, false])
  const legal = { kind: 'legal', reason: 'The terms changed' }
  expect(await patch({ consent: legal, transactional: true })).toEqual([legal, true])
  expect(await patch({ transactional: true })).toEqual([legal, true])
  expect(await patch({ transactional: false })).toEqual([{ kind: 'marketing' }, false])
})

test('a consent that is not understood counts as marketing, for what it shows and for what waits to leave', async () => {
  const { body } = await call('POST', '/campaigns', { ...minimal(), consent: { kind: 'transactional' } })
  await shop.app.pool.query(`update campaigns set consent = '{"kind": "double_opt_in"}' where id = $1`, [
    body.id,
  ])
  expect((await call('GET', `/campaigns/${body.id}`)).body).toMatchObject({
    consent: { kind: 'marketing' },
    transactional: false,
  })
  const byNow = await campaignOrigin.consents!(shop.app, shop.projectId, [body.id])
  expect(byNow).toEqual(new Map([[body.id, { kind: 'marketing' }]]))
})

test('lists in pages', async () => {
  for (let count = 0; count < 5; count++)
    await call('POST', '/campaigns', { ...minimal(), name: `page ${count}` })
  const names: string[] = []
  let cursor: string | null = ''
  for (let pages = 0; cursor !== null; pages++) {
    const query: string = cursor ? `&cursor=${cursor}` : ''
    const { body } = await call('GET', `/campaigns?limit=2${query}`)
    names.push(...body.items.map((item: { name: string }) => item.name))
    cursor = body.nextCursor
    expect(pages).toBeLessThan(20)
  }
  expect(names.filter((name) => name.startsWith('page'))).toEqual(
    [0, 1, 2, 3, 4].map((count) => `page ${count}`),
  )
  expect((await call('GET', '/campaigns?limit=0')).status).toBe(422)
  expect((await call('GET', '/campaigns?cursor=zzz')).status).toBe(422)
})

test("another project's campaigns are out of reach", async () => {
  const { rows } = await shop.app.pool.query<{ id: number }>(
    `insert into projects (name) values ('Other') returning id`,
  )
  expect((await call('GET', '/campaigns', undefined, rows[0]!.id)).status).toBe(403)
  const foreign = await shop.app.pool.query<{ id: number }>(
    `insert into campaigns (project_id, name, trigger_event, folded_trigger, template_id)
     values ($1, 'x', 'x', 'x', 1) returning id`,
    [rows[0]!.id],
  )
  expect((await call('GET', `/campaigns/${foreign.rows[0]!.id}`)).status).toBe(404)
  expect((await call('PATCH', `/campaigns/${foreign.rows[0]!.id}`, { name: 'mine' })).status).toBe(404)
  expect((await call('DELETE', `/campaigns/${foreign.rows[0]!.id}`)).status).toBe(404)
})

test('reports states and reasons, and lists the messages', async () => {
  const campaign = await shop.addCampaign({ triggerEvent: 'reported' })
  const person = await shop.addPerson()
  await shop.enrol(await Promise.all(Array.from({ length: 6 }, () => shop.addEvent(person, 'reported'))))
  const ids = (await shop.messages(campaign.id)).map(({ id }) => id)
  const outcomes: [string, string | null][] = [
    ['sent', null],
    ['skipped', 'frequency: sent 2 days ago'],
    ['skipped', 'frequency: sent 3 days ago'],
    ['skipped', 'condition false: has tag "vip"'],
    ['failed', '550 no such user'],
  ]
  for (const [index, [state, reason]] of outcomes.entries()) {
    await shop.app.pool.query('update messages set state = $2, reason = $3 where id = $1', [
      ids[index],
      state,
      reason,
    ])
  }
  const path = `/campaigns/${campaign.id}`
  const report = await call('GET', `${path}/report?from=2020-01-01`)
  expect(report.body).toEqual({
    from: '2020-01-01T00:00:00.000Z',
    to: null,
    total: 6,
    states: { pending: 1, claimed: 0, sent: 1, kept: 0, failed: 1, skipped: 3, unknown: 0 },
    reasons: [
      { state: 'skipped', reason: 'frequency', count: 2 },
      { state: 'failed', reason: '550 no such user', count: 1 },
      { state: 'skipped', reason: 'condition false: has tag "vip"', count: 1 },
    ],
  })
  expect((await call('GET', `${path}/report?from=2020-01-01&test=true`)).body.total).toBe(0)
  expect((await call('GET', `${path}/report?from=2020-01-01&to=2020-01-02`)).body.total).toBe(0)
  expect((await call('GET', `${path}/report?from=yesterday`)).body).toMatchObject({
    status: 422,
    field: 'from',
  })

  const first = await call('GET', `${path}/messages?limit=4`)
  const second = await call('GET', `${path}/messages?limit=4&cursor=${first.body.nextCursor}`)
  expect(second.body.nextCursor).toBeNull()
  const listed = [...first.body.items, ...second.body.items]
  expect(listed.map((item: { id: string }) => item.id).sort()).toEqual([...ids].sort())
  const failed = await call('GET', `${path}/messages?state=failed`)
  expect(failed.body.items).toMatchObject([{ state: 'failed', reason: '550 no such user', personId: person }])
  expect((await call('GET', `${path}/messages?cursor=1`)).status).toBe(422)
  expect((await call('GET', `${path}/messages?state=lost`)).status).toBe(422)
})

test('their former path answers as the present one, and the API reference has only that', async () => {
  const created = await call('POST', '/behavioral', { ...minimal(), name: 'By the former path' })
  expect(created.status).toBe(201)
  const changed = await call('PATCH', `/behavioral/${created.body.id}`, { state: 'test' })
  expect(changed.body).toEqual((await call('GET', `/campaigns/${created.body.id}`)).body)
  expect((await call('GET', '/behavioral?limit=1')).body).toEqual(
    (await call('GET', '/campaigns?limit=1')).body,
  )
  expect((await call('GET', `/behavioral/${created.body.id}/report?from=x`)).status).toBe(422)
  expect((await call('GET', '/behaviorals')).status).toBe(404)
  expect((await call('DELETE', `/behavioral/${created.body.id}`)).status).toBe(204)
  const described = (await (await fetch(`${shop.url}/openapi.json`)).json()) as Described
  expect(Object.keys(described.paths).filter((path) => path.includes('behavioral'))).toEqual([])
})

test('the condition language has a JSON Schema', async () => {
  const { status, body } = await call('GET', '/conditions/schema')
  expect(status).toBe(200)
  expect(Object.keys(body.$defs)).toEqual(['Condition'])
  const response = await fetch(`${shop.url}/openapi.json`)
  const described = (await response.json()) as Described
  const path = described.paths['/api/v1/projects/{project}/campaigns']
  expect(path!.post.requestBody.content['application/json']!.schema).toHaveProperty('properties.wait')
})

test.each([
  [{ fromAddress: null }, 'has no sender'],
  [{ subject: ' ' }, 'has no subject'],
  [{ html: '' }, 'has no content'],
])(
  'a campaign whose template has %j does not go live, and a live one keeps what it needs',
  async (lack, reason) => {
    const sound = { name: 'Bare', fromAddress: 'Shop <a@shop.example>', subject: 'Hi', html: '<p>Hi</p>' }
    const template = (await call('POST', '/templates', { ...sound, ...lack })).body
    const refused = await call('POST', '/campaigns', {
      ...minimal(),
      templateId: template.id,
      state: 'live',
    })
    expect(refused).toMatchObject({
      status: 422,
      body: { field: 'state', detail: expect.stringContaining(reason) },
    })

    const campaign = (await call('POST', '/campaigns', { ...minimal(), templateId: template.id })).body
    expect(campaign.senderProblem).toEqual(
      'fromAddress' in lack ? expect.stringContaining('fromAddress is empty') : null,
    )
    const path = `/campaigns/${campaign.id}`
    expect((await call('GET', path)).body.senderProblem).toBe(campaign.senderProblem)
    expect(await call('PATCH', path, { state: 'live' })).toMatchObject({
      status: 422,
      body: { field: 'state' },
    })
    expect((await call('PATCH', `/templates/${template.id}`, sound)).status).toBe(200)
    expect((await call('PATCH', path, { state: 'live' })).status).toBe(200)
    const broken = await call('PATCH', `/templates/${template.id}`, lack)
    expect(broken).toMatchObject({ status: 409, body: { detail: expect.stringContaining(reason) } })
    expect((await call('PATCH', path, { templateId: shop.templateId })).status).toBe(200)
    expect((await call('PATCH', `/templates/${template.id}`, lack)).status).toBe(200)
    expect((await call('PATCH', path, { templateId: template.id })).status).toBe(422)
  },
)

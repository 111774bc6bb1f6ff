import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { request } from '../../ingest/helpers.ts'
import { type Bench, startBench } from '../../ingest/process-support.ts'

let bench: Bench
let clock = Date.UTC(2026, 5, 1)
beforeAll(async () => {
  bench = await startBench(() => new Date(clock))
})
afterAll(() => bench?.close())

// biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
type Answer = { status: number; body: any }
const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
  request(bench, method, `/api/v1/projects/${bench.projectId}${path}`, body, {
    authorization: `Bearer ${bench.secretKey}`,
  })
const add = (address: string, reason?: string) => {
  clock += 60_000
  return call('POST', '/suppressions', { address, ...(reason === undefined ? {} : { reason }) })
}
const addressesOf = async (query: string) =>
  (await call('GET', `/suppressions?${query}`)).body.items.map(({ address }: { address: string }) => address)

it('lists what was added, newest first, in its one form, and finds addresses and parts of them', async () => {
  expect(await add('Ann@Müller.example', 'asked by phone')).toMatchObject({
    status: 201,
    body: {
      address: 'ann@xn--mller-kva.example',
      reason: 'asked by phone',
      createdAt: '2026-06-01T00:01:00.000Z',
    },
  })
  expect(await add('\u200bANN@xn--MLLER-kva.example', 'again')).toMatchObject({
    status: 200,
    body: { address: 'ann@xn--mller-kva.example', reason: 'asked by phone' },
  })
  expect((await add('bo_b%@x.example')).body.reason).toBe('manual')
  await add('cy@other.example', 'hard bounce: 550 5.1.1')
  expect(await addressesOf('')).toEqual(['cy@other.example', 'bo_b%@x.example', 'ann@xn--mller-kva.example'])
  const found: [string, string[]][] = [
    ['search=ANN@müller.example', ['ann@xn--mller-kva.example']],
    ['search=MÜLLER.example', ['ann@xn--mller-kva.example']],
    ['search=o_b%25', ['bo_b%@x.example']],
    ['search=%25', ['bo_b%@x.example']],
    ['search=.EXAMPLE&reason=hard', ['cy@other.example']],
    ['reason=manual', ['bo_b%@x.example']],
    ['from=2026-06-01T00:03:00Z&to=2026-06-01T00:04:00Z', ['bo_b%@x.example']],
    ['search=nobody@x.example', []],
  ]
  for (const [query, addresses] of found)
    expect([query, await addressesOf(query)]).toEqual([query, addresses])
})

it('pages follow each other however many share a time and whatever is asked', async () => {
  const of = await bench.newProject()
  await bench.rows(
    `insert into suppressions (project_id, address, reason, created_at)
     select $1, 'p' || n || '@' || case when n % 3 = 0 then 'rare' else 'often' end || '.example', 'manual',
       timestamptz '2026-01-01' + n / 7 * interval '1 second' from generate_series(1, 100) as n`,
    of.projectId,
  )
  const { listSuppressions } = await import('../../../src/audience/people/suppressions.ts')
  for (const filter of [{}, { search: '@rare' }, { reason: 'man', search: '1' }]) {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await listSuppressions(bench.app, of.projectId, filter, { limit: 7, cursor })
      expect(page.items.length).toBeLessThanOrEqual(7)
      seen.push(...page.items.map(({ address }) => address))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    const all = await listSuppressions(bench.app, of.projectId, filter, { limit: 100 })
    expect(seen).toEqual(all.items.map(({ address }) => address))
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.length).toBeGreaterThan(10)
  }
})

it('a part that few have is looked for in steps', async () => {
  const of = await bench.newProject()
  await bench.rows(
    `insert into suppressions (project_id, address, reason, created_at)
     select $1, case when n = 1 then 'needle' else 'p' || n end || '@x.example', 'manual',
       timestamptz '2026-01-01' + n * interval '1 second' from generate_series(1, 60000) as n`,
    of.projectId,
  )
  const { listSuppressions } = await import('../../../src/audience/people/suppressions.ts')
  const first = await listSuppressions(bench.app, of.projectId, { search: 'needle' }, { limit: 50 })
  expect(first).toMatchObject({ items: [], nextCursor: expect.any(String), examined: 50_000 })
  const rest = await listSuppressions(
    bench.app,
    of.projectId,
    { search: 'needle' },
    { limit: 50, cursor: first.nextCursor! },
  )
  expect(rest).toMatchObject({ items: [{ address: 'needle@x.example' }], nextCursor: null, examined: 10_000 })
})

it('takes an address off the list, whatever the reason, unless somebody who has it is suppressed', async () => {
  await bench.rows(
    `insert into suppressions (project_id, address, reason) values ($1, 'bounced@x.example', 'hard bounce: 550')`,
    bench.projectId,
  )
  const path = (address: string) => `/suppressions/${encodeURIComponent(address)}`
  expect((await call('DELETE', path('Bounced@X.example'))).status).toBe(204)
  expect((await call('DELETE', path('bounced@x.example'))).status).toBe(404)

  const person = { id: 's1', email: 'sue@x.example' }
  const at = clock
  const base = { at, acceptedAt: at, source: 'test' }
  await bench.process({ kind: 'identify', person: { id: person.id }, email: person.email, ...base })
  // By the address alone: it is said of whoever gets it later, too.
  await bench.process({ kind: 'suppression', person: { email: person.email }, suppressed: true, ...base })
  const [{ id }] = (await bench.rows<{ id: number }>(
    'select id from people where project_id = $1',
    bench.projectId,
  )) as [{ id: number }]
  const refused = await call('DELETE', path(person.email))
  expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining(`Person ${id}`) } })
  clock += 60_000
  expect((await call('POST', `/people/${id}/unsuppress`)).status).toBe(200)
  await add(person.email)
  clock += 60_000
  expect((await call('DELETE', path(person.email))).status).toBe(204)
  await bench.process({ kind: 'identify', person: { id: 's2' }, email: person.email, ...base })
  expect(await addressesOf(`search=${person.email}`)).toEqual([])
})

it('refuses what is no address, time or cursor, and never fails', async () => {
  for (const address of ['nobody', 'a..b@x.example', 'a\0@x.example', ' '])
    expect(await add(address)).toMatchObject({ status: 422, body: { field: 'address' } })
  expect(await add('a@x.example', 'a\0b')).toMatchObject({ status: 422, body: { field: 'reason' } })
  for (const query of ['from=never', 'to=99999-01-01', 'cursor=x', 'limit=0', `search=${'x'.repeat(1_001)}`])
    expect([query, (await call('GET', `/suppressions?${query}`)).status]).toEqual([query, 422])
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1, unit: 'binary' }), async (text) => {
      const encoded = encodeURIComponent(text)
      expect((await call('GET', `/suppressions?search=${encoded}&reason=${encoded}`)).status).toBeLessThan(
        500,
      )
      expect((await call('DELETE', `/suppressions/${encoded}`)).status).toBeLessThan(500)
    }),
    { numRuns: 100 },
  )
})

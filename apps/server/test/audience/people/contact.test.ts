import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { normalPhone } from '../../../src/platform/phone.ts'
import { type Bench, event, identify, start, startBench } from '../../ingest/process-support.ts'

let now = start + 3_600_000
let bench: Bench

beforeAll(async () => {
  bench = await startBench(() => new Date(now++))
})
afterAll(() => bench?.close())

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${bench.url}/api/v1/projects/${bench.projectId}${path}`, {
    method,
    headers: { authorization: `Bearer ${bench.secretKey}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  return { status: response.status, body: (await response.json()) as any }
}

const phoneOf = async (id: string) => (await call('GET', `/people/id:${id}`)).body.phone

it.each([
  ['+49 (30) 123456', null, '+4930123456'],
  ['0049 30 123456', null, '+4930123456'],
  [' +1 555-123-4567 ', null, '+15551234567'],
  ['030 123456', null, '030 123456'],
  ['030 123456', 'DE', '+4930123456'],
  ['(212) 555-0123', 'US', '+12125550123'],
  ['+49 30 123456', 'US', '+4930123456'],
  // Unreadable, too short, with an extension, within other text.
  ['ask reception', 'DE', 'ask reception'],
  ['+49', null, '+49'],
  ['+49 30 123456 ext. 7', null, '+49 30 123456 ext. 7'],
  ['call +49 30 123456', null, 'call +49 30 123456'],
])('reads the number %s, country %s, as %s', (text, country, expected) => {
  expect(normalPhone(text, country)).toBe(expected)
})

describe('phone numbers', () => {
  it('are stored in one spelling, by whatever way they come', async () => {
    await bench.process(
      identify('a', 0, { phone: '+49 30 / 123 456' }),
      event('b', 0, { traits: { phone: '0049 (30) 123456' } }),
      identify('c', 0, { phone: '030 123456' }),
    )
    await call('PUT', '/people/id:d', { phone: '+49-30-123456' })
    expect(await Promise.all(['a', 'b', 'c', 'd'].map(phoneOf))).toEqual([
      '+4930123456',
      '+4930123456',
      '030 123456',
      '+4930123456',
    ])
    const { body } = await call('PUT', '/people/id:d', { phone: '+49 30 123456' })
    expect((await call('GET', `/people/${body.id}/timeline`)).body.items).toEqual([])
  })

  it("without a country code are read as the project's country's", async () => {
    expect(await call('PATCH', '/settings', { defaultCountry: 'ZZ' })).toMatchObject({
      status: 422,
      body: { field: 'defaultCountry' },
    })
    expect((await call('PATCH', '/settings', { defaultCountry: 'AT' })).body).toMatchObject({
      defaultCountry: 'AT',
    })
    await bench.process(identify('e', 0, { phone: '0660 1234567' }), identify('f', 0, { phone: 'none' }))
    expect(await Promise.all(['e', 'f'].map(phoneOf))).toEqual(['+436601234567', 'none'])
    const found = await call('GET', '/people?search=0660')
    expect(found.body.items).toMatchObject([{ externalId: 'e' }])
    expect((await call('PATCH', '/settings', { defaultCountry: null })).body).toMatchObject({
      defaultCountry: null,
    })
  })
})

describe('time zones and languages', () => {
  it('are checked, put into their usual spelling, and removed', async () => {
    const put = (body: object) => call('PUT', '/people/id:z', body)
    expect((await put({ timezone: 'Europe/Vienna', language: 'DE_at' })).body).toMatchObject({
      timezone: 'Europe/Vienna',
      language: 'de-AT',
    })
    expect(await put({ timezone: 'Vienna' })).toMatchObject({ status: 422, body: { field: 'timezone' } })
    expect(await put({ language: 'not a language' })).toMatchObject({
      status: 422,
      body: { field: 'language' },
    })
    expect((await put({ timezone: null, language: null })).body).toMatchObject({
      timezone: null,
      language: null,
    })
  })
})

describe('devices and topics', () => {
  it('are shown, added, changed and removed', async () => {
    await call('PUT', '/people/id:p', { topics: { news: true, offers: false } })
    const device = (platform: string) => ({ type: 'push', address: 'token 1', platform })
    const added = await call('POST', '/people/id:p/devices', { add: [device('ios'), { address: 'token 2' }] })
    expect(added.body).toMatchObject({
      topics: { news: true, offers: false },
      channels: [device('ios'), { type: 'push', address: 'token 2' }],
    })
    const changed = await call('POST', '/people/id:p/devices', {
      add: [device('android')],
      remove: ['token 2', 'x'],
    })
    expect(changed.body.channels).toEqual([device('android')])
    expect((await call('PATCH', '/people/id:p', { topics: { offers: true } })).body.topics).toEqual({
      news: true,
      offers: true,
    })
    expect(await call('POST', '/people/id:p/devices', { add: [{ address: '' }] })).toMatchObject({
      status: 422,
    })
    expect(await call('POST', '/people/id:nobody/devices', { add: [] })).toMatchObject({ status: 404 })
  })
})

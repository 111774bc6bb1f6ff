import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type IntakeServer, request, startIntakeServer } from './helpers.ts'

const clock = new Date('2026-11-23T10:00:00Z')
let server: IntakeServer
let key: string

beforeAll(async () => {
  server = await startIntakeServer({ now: () => clock })
  key = server.trackingKey
})
afterAll(() => server?.close())

const send = (body: unknown, path = '/v1/batch', headers: Record<string, string> = basic(key)) =>
  request(server, 'POST', path, body, { 'content-type': 'application/json', ...headers })

const track = (userId: unknown, properties: object = {}) => ({
  type: 'track',
  userId,
  event: 'e',
  properties,
})
/** Enough around `calls` that they are parsed in several goes. */
const padding = Array.from({ length: 400 }, (_, i) => track(`p${i}`, { text: 'x'.repeat(500) }))
const large = (calls: unknown[]) => [...padding.slice(0, 200), ...calls, ...padding.slice(200)]
const keys = (count: number, from = 0) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${from + i}`, 1]))

describe('a large batch', () => {
  it('is accepted whole, with what its calls inherit and whatever the place of the list', async () => {
    const text = (before: string, after: string) =>
      `{${before}"batch":${JSON.stringify(large([{ type: 'track', userId: 'ü', event: 'é', timestamp: '2026-11-23T09:00:00Z' }]))}${after}}`
    const sentAt = '"sentAt":"2026-11-23T11:00:00Z"'
    for (const body of [
      text(`${sentAt},`, ''),
      text('', `,${sentAt}`),
      `\ufeff ${text(`"a":{"batch":[1]}, ${sentAt} , `, ' ')}`,
    ]) {
      expect(await send(body)).toMatchObject({ status: 200, body: { success: true } })
      const items = await server.take(401)
      expect(items.filter(({ person }) => person.id === 'ü')).toMatchObject([
        { name: 'é', at: Date.UTC(2026, 10, 23, 8) },
      ])
      expect(new Set(items.map(({ person }) => person.id)).size).toBe(401)
    }
  })

  it('takes its key from the body, too', async () => {
    expect(await send({ batch: large([]), writeKey: key }, '/v1/batch', {})).toMatchObject({ status: 200 })
    await server.take(400)
    expect(await send({ batch: large([]) }, '/v1/batch', {})).toMatchObject({ status: 401 })
  })

  it('names the bad calls by their place, and notes the first of them', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(30)}1${'}'.repeat(30)}`)
    const bad = [
      track(undefined),
      { type: 'dance', userId: 1 },
      'nonsense',
      null,
      [],
      track(1, keys(2_000)),
      track(1, { list: Array(1_999).fill(0) }),
      track(1, deep),
      track(1, { a: 'x\0y' }),
      track(1, { a: 'ü'.repeat(40_000) }),
    ]
    const reply = await send({ batch: large(bad) })
    expect(reply).toMatchObject({
      status: 200,
      body: {
        success: true,
        rejected: [
          { index: 200, field: 'userId' },
          { index: 201, field: 'type' },
          { index: 202, reason: 'batch.202 must be a JSON object' },
          { index: 203, reason: 'batch.203 must be a JSON object' },
          { index: 204, reason: 'batch.204 must be a JSON object' },
          { index: 205, field: 'properties', reason: expect.stringContaining('more than 2000 keys') },
          { index: 206, reason: expect.stringContaining('more than 2000 keys') },
          { index: 207, reason: expect.stringContaining('nested deeper than 20') },
          { index: 208, field: 'properties.a', reason: expect.stringContaining('NUL') },
          { index: 209, reason: expect.stringContaining('one event may have 65536') },
        ],
      },
    })
    const items = await server.take(410)
    expect(items.filter((item) => (item.kind as string) === 'rejected')).toHaveLength(10)
  })

  it('takes as many keys as a call may have, and not one more', async () => {
    // type, userId, event and properties are four of them; what is empty holds none.
    const most = { ...keys(1_994), empty: {}, none: [] }
    expect(await send({ batch: large([track('most', most)]) })).toMatchObject({
      status: 200,
      body: { success: true },
    })
    const items = await server.take(401)
    expect(items.filter(({ person }) => person.id === 'most')).toMatchObject([{ properties: most }])
    const reply = await send({ batch: large([track('more', { ...most, one: 1 })]) })
    expect(reply.body).toMatchObject({ rejected: [{ index: 200, field: 'properties' }] })
    await server.take(401)
  })

  it('with one call of very many keys is refused as one call is', async () => {
    const body = gzipSync(JSON.stringify({ batch: [track('1', keys(300_000))] }))
    expect(await send(body, '/v1/batch', { ...basic(key), 'content-encoding': 'gzip' })).toMatchObject({
      status: 400,
      body: {
        message:
          'Nothing in the batch can be taken: batch.0.properties has more than 2000 keys; send fewer properties',
        field: 'batch.0.properties',
        rejected: [{ index: 0 }],
      },
    })
    expect(await server.take(1)).toMatchObject([{ kind: 'rejected', person: { id: '1' } }])
    expect(await send({ ...track('1', keys(6_000)) }, '/v1/track')).toMatchObject({
      status: 400,
      body: { field: 'properties', message: 'properties has more than 2000 keys; send fewer properties' },
    })
  })

  it("is answered in Customer.io's words, too", async () => {
    const operation = (id: unknown) => ({
      type: 'person',
      action: 'event',
      name: 'e',
      identifiers: { id },
      attributes: { text: 'x'.repeat(500) },
    })
    const batch = Array.from({ length: 400 }, (_, i) => operation(i === 300 ? '' : `c${i}`))
    const reply = await send({ batch }, '/api/v2/batch', basic('', key))
    expect(reply).toMatchObject({ status: 207, body: { errors: [{ batch_index: 300, reason: 'no_id' }] } })
    await server.take(400)
  })
})

describe('a large batch that is no JSON', () => {
  const good = JSON.stringify({ sentAt: 'ü\n', batch: large([]), more: { a: [1] } }, null, 1)
  /** The same in all of its versions: V8's own words about the whole body. */
  const expected = (text: string) => {
    try {
      JSON.parse(text)
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('it is JSON')
  }
  const at = (share: number) => Math.floor(good.length * share)
  const nth = (part: string, n: number) => {
    let i = -1
    for (let k = 0; k <= n; k++) i = good.indexOf(part, i + 1)
    return i
  }
  const replaced = (i: number, length: number, by: string) => good.slice(0, i) + by + good.slice(i + length)

  it.each([
    ['a word', replaced(nth('"e"', 150), 3, 'e')],
    ['a comma too many', replaced(nth('"e"', 350), 3, '"e",')],
    ['a comma at the end of an object', replaced(nth('"\n   }', 300), 1, '",')],
    ['a comma at the end of the list', replaced(good.indexOf(' ],\n "more"'), 1, ',')],
    ['a comma too many between items', replaced(nth(' },\n  {', 250), 3, ' },,')],
    ['a bracket too many', replaced(nth('"\n   }', 200), 1, '"}')],
    ['a bracket of the other kind', replaced(nth('"\n   }', 120), 6, '"\n   ]')],
    ['a list that ends as an object', replaced(good.indexOf(' ],\n "more"'), 2, ' }')],
    ['something after the end', `${good} x`],
    ['something wrong behind the list', good.replace('[\n   1', '[\n   x')],
    ['something wrong before it', good.replace('"sentAt":', '"sentAt" ')],
    ['a control character', replaced(nth('xxx', 9_000), 1, '\u0001')],
    ['nothing else', replaced(nth('"e"', 390), 3, 'NaN')],
  ])('has %s', async (_name, text) => {
    const says = expected(text)
    const reply = await send(text)
    expect(reply.status).toBe(400)
    expect((reply.body as { message: string }).message).toBe(
      `The body is not valid JSON: ${says.slice(0, 200)}`,
    )
  })

  it.each([0.3, 0.5, 0.9, 0.999])('ends after %d of it', async (share) => {
    const text = good.slice(0, at(share))
    expect(await send(text)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining(`ends early, after ${Buffer.byteLength(text)} bytes`) },
    })
  })

  it('after a call that is not parsed at all', async () => {
    const text = JSON.stringify({ batch: [track('1', keys(5_000)), ...large([])] })
    const broken = text.replace('"p7"', 'p7')
    const says = expected(broken)
    expect(await send(broken)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining(says.slice(0, 20)) },
    })
  })

  it('stores nothing of it', async () => {
    expect(await server.settled()).toEqual([])
  })

  it('or has two lists, or more beside it than a call may have', async () => {
    const list = JSON.stringify(large([]))
    for (const name of ['batch', 'b\\u0061tch'])
      expect(await send(`{"batch":${list},"${name}":[]}`)).toMatchObject({
        status: 400,
        body: { field: 'batch', message: expect.stringContaining('more than once') },
      })
    expect(await send({ batch: large([]), more: keys(5_000) })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('beside batch') },
    })
  })
})

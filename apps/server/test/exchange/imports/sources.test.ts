import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Importer, startImporter } from './support.ts'

let server: Importer
let files: Server
let base: string
const now = () => new Date('2026-06-10T12:00:00Z')

beforeAll(async () => {
  server = await startImporter(now)
  files = createServer(({ url }, response) => {
    if (url === '/people.csv.gz?signature=secret') response.end(gzipSync('id,n\nweb1,1\nweb2,2\n'))
    else if (url === '/moved') response.writeHead(302, { location: '/people.csv.gz?signature=secret' }).end()
    else if (url === '/circle') response.writeHead(302, { location: '/circle' }).end()
    else if (url === '/file') response.writeHead(302, { location: 'file:///etc/passwd' }).end()
    else if (url === '/metadata') response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end()
    else if (url === '/named') response.writeHead(302, { location: 'http://localhost:1/x' }).end()
    else if (url === '/broken') {
      response.writeHead(200, { 'content-length': '1000' }).write('id\n1\n', () => response.destroy())
    } else if (url === '/empty') response.end()
    else response.writeHead(404).end()
  })
  await new Promise<void>((done) => files.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(files.address() as AddressInfo).port}`
})
afterAll(async () => {
  files?.close()
  await server?.close()
})

const find = async (id: string) =>
  (
    await server.sql('select * from people where project_id = $1 and external_id = $2', server.projectId, id)
  )[0]

async function fetchFrom(url: string) {
  const { body } = await server.call('POST', '/imports', { kind: 'people', url })
  expect(body).toMatchObject({ state: 'fetching' })
  await server.work(body.task.id)
  return (await server.call('GET', `/imports/${body.id}`)).body
}

describe('a file at an address', () => {
  it('is fetched, also through a redirect, and unpacked', async () => {
    const ready = await fetchFrom(`${base}/people.csv.gz?signature=secret`)
    expect(ready).toMatchObject({
      state: 'ready',
      name: 'people.csv.gz',
      // What signs an address is shown to nobody.
      url: `${base}/people.csv.gz`,
      format: { compression: 'gzip' },
      task: { state: 'done' },
    })
    expect((await server.start(ready.id)).counts).toMatchObject({ created: 2 })
    expect((await find('web2'))!.properties).toEqual({ n: 2 })
    expect(await fetchFrom(`${base}/moved`)).toMatchObject({ state: 'ready' })
    expect((await server.put(ready.id, 'id\n1\n', 'offset=0')).status).toBe(409)
  })

  it.each([
    ['/nothing', /answered 404 Not Found/],
    ['/circle', /redirects more than 5 times/],
    ['/file', /file:\/\/ addresses can't be fetched/],
    ['/empty', /The file is empty/],
    // Tried again and again, then given up.
    ['/broken', /failed 8 times in a row/],
  ])('%s fails with a reason', async (path, reason) => {
    expect(await fetchFrom(base + path)).toMatchObject({
      state: 'failed',
      message: expect.stringMatching(reason),
    })
  })

  it('inside our own network is refused, by number, by name and behind a redirect', async () => {
    server.app.config.allowPrivateNetworks = false
    try {
      for (const url of [
        `${base}/people.csv.gz`,
        'http://[::1]:1/',
        'http://2130706433/',
        'http://localhost:1/',
      ])
        expect(await fetchFrom(url)).toMatchObject({
          state: 'failed',
          message: expect.stringMatching(/is an internal address/),
        })
    } finally {
      server.app.config.allowPrivateNetworks = true
    }
  })
})

describe('a Vero export', () => {
  it('is imported without asking where its columns go', async () => {
    const ready = await server.upload(
      'id,email,first_name,phone_number,timezone,_tags,vero_id\nv1,v1@x.example,Vera,+493012345,10,"vip,unsubscribed",99\n',
      { from: 'vero' },
    )
    const done = await server.start(ready.id)
    expect(done.counts).toMatchObject({ created: 1 })
    expect(await find('v1')).toMatchObject({
      phone: '+493012345',
      timezone: 'Etc/GMT-10',
      tags: ['vip'],
      subscribed: false,
      properties: { first_name: 'Vera' },
    })
    const events = await server.run('email,event_name,time,plan\nv1@x.example,Signed up,2026-01-01,pro\n', {
      from: 'vero',
      kind: 'events',
    })
    expect(events.counts).toMatchObject({ created: 1 })
  })
})

describe('a Fairway export', () => {
  const facts = {
    id: 'f1',
    anonymousId: 'a-1',
    aliases: [{ anonymousId: 'a-1' }, { id: 'old-f1' }],
    email: 'f1@x.example',
    phone: '+4930123456',
    timezone: 'Europe/Berlin',
    language: 'de',
    tags: ['customer'],
    topics: { news: true },
    devices: [{ type: 'push', address: 'token', platform: 'ios' }],
    subscribed: false,
    suppressed: false,
    suppressionReason: null,
    createdAt: '2026-01-02T03:04:05.678Z',
    updatedAt: '2026-02-02T00:00:00.000Z',
    properties: { plan: 'pro', $odd: 1, aged: 'x' },
    written: {
      plan: 1764000000000,
      $$odd: 1764000000005,
      $email: 1764000000001,
      $phone: 1764000000001,
      '$tag:customer': 1764000000000,
      '$tag:old': 1764000000002,
      gone: 1764000000003,
      $subscribed: 1764000000004,
    },
  }

  it('makes the same people, with the age of each fact', async () => {
    await server.call('PUT', '/people/id:f2', { properties: { plan: 'free' } })
    const lines = [
      { personId: 7, ...facts },
      { ...facts, id: 'f2', anonymousId: null, aliases: [], email: null },
    ]
    const file = lines.map((line) => JSON.stringify(line)).join('\n')
    const done = await server.run(file, { from: 'fairway' })
    expect(await server.rejects(done.id)).toEqual([])
    expect(done.counts).toMatchObject({ created: 1, updated: 1, rejected: 0 })
    const person = await find('f1')
    expect(person).toMatchObject({
      email: 'f1@x.example',
      phone: '+4930123456',
      timezone: 'Europe/Berlin',
      language: 'de',
      tags: ['customer'],
      topics: { news: true },
      channels: [{ type: 'push', address: 'token', platform: 'ios' }],
      subscribed: false,
      properties: facts.properties,
      created_at: new Date('2026-01-02T03:04:05.678Z'),
    })
    expect(person!.written).toMatchObject(facts.written)
    expect(person!.written).not.toHaveProperty('aged')
    // Ids that led to the person there lead to them here.
    expect((await server.call('GET', '/people/id:old-f1')).body.id).toBe(person!.id)
    // Newer here than there.
    expect((await find('f2'))!.properties).toMatchObject({ plan: 'free', aged: 'x' })
    expect((await server.run(file, { from: 'fairway' })).counts).toMatchObject({ unchanged: 2 })
  })

  it('of events is stored once', async () => {
    const line = JSON.stringify({
      id: '4f0c1d9e-0000-8000-8000-000000000001',
      name: 'Bought',
      personId: 7,
      person: { id: 'f1', anonymousId: null, email: 'f1@x.example' },
      source: 'segment',
      occurredAt: '2026-02-02T00:00:00.000Z',
      receivedAt: '2026-02-02T00:00:01.000Z',
      properties: { amount: 5 },
    })
    const csv =
      'id,name,personId,person,anonymousId,email,source,occurredAt,receivedAt,amount\n4f0c1d9e-0000-8000-8000-000000000001,Bought,7,f1,,f1@x.example,segment,2026-02-02T00:00:00.000Z,2026-02-02T00:00:01.000Z,5\n'
    const first = await server.run(`${line}\n`, { kind: 'events', from: 'fairway' })
    expect(first.counts).toMatchObject({ created: 1, rejected: 0 })
    const second = await server.run(csv, { kind: 'events', from: 'fairway' })
    expect(second.counts).toMatchObject({ created: 0, unchanged: 1, rejected: 0 })
    expect(
      await server.sql(
        'select name, properties, occurred_at from events where project_id = $1 and name = $2',
        server.projectId,
        'Bought',
      ),
    ).toEqual([{ name: 'Bought', properties: { amount: 5 }, occurred_at: new Date('2026-02-02T00:00:00Z') }])
  })
})

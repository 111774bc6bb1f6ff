import { afterAll, beforeAll, expect, it } from 'vitest'
import type { IngestItem } from '../../../src/audience/items/item.ts'
import { processItems } from '../../../src/ingest/process.ts'
import { context, event, identify, merge, start, toJob } from '../../ingest/process-support.ts'
import { type Importer, startImporter } from '../imports/support.ts'
import { type Exporter, startExporter } from './support.ts'

const hour = 3_600_000
let from: Exporter
let into: Importer & Pick<Exporter, 'file'>

beforeAll(async () => {
  from = await startExporter(() => new Date(start + hour))
  // The other installation, an hour later.
  const importer = await startImporter(() => new Date(start + 2 * hour))
  into = {
    ...importer,
    async file(body) {
      const { id, task } = (await importer.call('POST', '/exports', body)).body
      await importer.work(task.id)
      const answer = await fetch(`${importer.url}/api/v1/projects/${importer.projectId}/exports/${id}/file`, {
        headers: { authorization: `Bearer ${importer.secretKey}` },
      })
      return answer.text()
    },
  }
})
afterAll(async () => {
  await from?.close()
  await into?.close()
})

const process = async (...items: IngestItem[]) => {
  const tenant = String(from.projectId)
  await processItems(from.app)(
    items.map((item) => toJob(tenant, item)),
    context(),
  )
}

/** What is said of a person, without what each installation says by itself, such as when it merged them (`$id`). */
const facts = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { personId: _, updatedAt: __, aliases, written, ...rest } = JSON.parse(line)
      delete written.$id
      const ids = aliases.map((alias: object) => JSON.stringify(alias)).sort()
      return { ...rest, aliases: ids, written: Object.entries(written).sort() }
    })
    .sort((a, b) => (JSON.stringify([a.id, a.anonymousId]) < JSON.stringify([b.id, b.anonymousId]) ? -1 : 1))

it('people who move to another installation are the same there', async () => {
  await process(
    identify('ann', 10, {
      email: 'ann@example.com',
      phone: '+4930123456',
      timezone: 'Europe/Berlin',
      language: 'de',
      properties: {
        plan: 'free',
        $odd: 'yes',
        address: { city: 'Köln "am Rhein"' },
        big: 1e300,
        list: [1, null],
      },
      tags: { add: ['a', 'b'], remove: [] },
      topics: { news: true, offers: false },
      devices: [{ type: 'push', address: 'token', platform: 'ios' }],
    }),
    identify('ann', 20, { properties: { plan: 'pro', address: null }, tags: { add: [], remove: ['a'] } }),
    { ...identify('bob', 30), kind: 'subscription', subscribed: false } as IngestItem,
    { ...identify('cleo', 30), kind: 'suppression', suppressed: true } as IngestItem,
    identify({ anonymousId: 'visitor' }, 40, { properties: { seen: true } }),
    identify({ id: 'dan', anonymousId: 'phone-of-dan' }, 50, { properties: { x: 1 } }),
    identify('dan-before', 51, { properties: { y: 2 } }),
  )
  await process(merge('dan-before', 'dan', 60))
  const file = await from.file({ kind: 'people', format: 'ndjson' })
  expect(facts(file).map(({ id }) => id)).toEqual(['ann', 'bob', 'cleo', 'dan', null])

  const done = await into.run(file, { kind: 'people', from: 'fairway' })
  expect(await into.rejects(done.id)).toEqual([])
  expect(facts(await into.file({ kind: 'people', format: 'ndjson' }))).toEqual(facts(file))
  // And again: nothing is news.
  const again = await into.run(file, { kind: 'people', from: 'fairway' })
  expect(again.counts).toMatchObject({ created: 0, updated: 0, unchanged: 5 })
})

it('a CSV is known by its columns, and the same file again changes nobody', async () => {
  await into.call('PUT', '/people/id:eve', {
    email: 'eve@example.com',
    phone: '+43 660 1234567',
    properties: {
      formula: '=1+1',
      code: '12',
      product: '1E5',
      day: '2026-01-02',
      status: 'unsubscribed',
      state: 'active',
      id: 'x',
      count: 3,
      vip: true,
      list: [1],
    },
  })
  const file = await into.file({ kind: 'people', format: 'csv' })
  const ready = await into.upload(file)
  expect(ready.from).toBe('fairway')
  const done = await into.start(ready.id)
  expect(await into.rejects(done.id)).toEqual([])
  expect(done.counts).toMatchObject({ created: 0, updated: 0, unchanged: 6 })
  expect(await into.file({ kind: 'people', format: 'csv' })).toBe(file)
  // As the other known exports are: told otherwise, it is read so.
  const told = await into.call('POST', '/imports', { kind: 'people', from: 'vero' })
  expect((await into.put(told.body.id, file)).body.from).toBe('vero')
  // Of a list only who they are counts: Fairway's own number is no id.
  const list = await into.upload(file, { kind: 'tags' })
  const goes = list.columns.flatMap(({ name, guess }: { name: string; guess: { to: string } }) =>
    guess.to === 'ignore' ? [] : [[name, guess.to]],
  )
  expect(goes).toEqual([
    ['id', 'id'],
    ['email', 'email'],
    ['tags', 'tags'],
  ])
})

it('and so are events, once', async () => {
  await process(
    event('ann', 70, { name: 'Bought', properties: { sku: 'a', n: 1 } }),
    event('ann', 71, { name: 'Bought', properties: { sku: 'b' } }),
    event({ anonymousId: 'visitor' }, 72, { name: 'Looked' }),
  )
  const events = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => {
        const { id: _, personId: __, source: ___, receivedAt: ____, person, ...rest } = JSON.parse(line)
        return { ...rest, person: { id: person.id, anonymousId: person.anonymousId } }
      })
  const file = await from.file({ kind: 'events', format: 'ndjson' })
  for (let time = 0; time < 2; time++) {
    const done = await into.run(file, { kind: 'events' })
    expect(await into.rejects(done.id)).toEqual([])
  }
  const list = await into.upload(await from.file({ kind: 'events', format: 'csv' }), { kind: 'unsubscribes' })
  expect(list.from).toBe('fairway')
  const goes = list.columns.flatMap(({ name, guess }: { name: string; guess: { to: string } }) =>
    guess.to === 'ignore' ? [] : [[name, guess.to]],
  )
  expect(goes).toEqual([
    ['person', 'id'],
    ['email', 'email'],
  ])
  expect(events(await into.file({ kind: 'events', format: 'ndjson' }))).toEqual(events(file))
})

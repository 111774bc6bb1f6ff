import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from './csv.ts'
import { type Importer, startImporter } from './support.ts'

let server: Importer
let now = new Date('2026-06-01T12:00:00Z')

beforeAll(async () => {
  server = await startImporter(() => now)
})
afterAll(() => server?.close())

const people = () =>
  server.sql<{ id: string; email: string | null; properties: object; tags: string[] }>(
    `select external_id as id, email, properties, tags from people where project_id = $1 order by external_id`,
    server.projectId,
  )
const find = async (id: string) =>
  (
    await server.sql('select * from people where project_id = $1 and external_id = $2', server.projectId, id)
  )[0]

describe('a people import', () => {
  it('is looked into, mapped by itself, and imported', async () => {
    const file = stringify([
      ['User ID', 'E-mail', 'First name', 'Orders', 'VIP', 'Signed up', 'Tags', 'Zip'],
      ['u1', 'anna@x.example', 'Anna', '3', 'yes', '2026-01-02', 'a, b', '01234'],
      ['u2', 'ben@x.example', 'Ben "the" Great', '4.5', 'no', '2026-01-03 10:00', '', '80331'],
    ])
    const ready = await server.upload(file, { name: 'June' })
    expect(ready).toMatchObject({
      kind: 'people',
      name: 'June',
      state: 'ready',
      size: file.length,
      offset: file.length,
      format: { type: 'csv', delimiter: ',', header: true, encoding: 'utf-8', compression: 'none' },
      mapping: null,
      task: null,
    })
    expect(ready.columns.map(({ name, guess }: { name: string; guess: object }) => [name, guess])).toEqual([
      ['User ID', { to: 'id', type: 'text' }],
      ['E-mail', { to: 'email', type: 'text' }],
      ['First name', { to: 'property:first_name', type: 'text' }],
      ['Orders', { to: 'property:Orders', type: 'number' }],
      ['VIP', { to: 'property:VIP', type: 'boolean' }],
      ['Signed up', { to: 'property:Signed up', type: 'date' }],
      ['Tags', { to: 'tags', type: 'text' }],
      ['Zip', { to: 'property:Zip', type: 'text' }],
    ])
    expect(ready.columns[0].samples).toEqual(['u1', 'u2'])
    expect(ready.preview).toHaveLength(2)

    const done = await server.start(ready.id)
    expect(done).toMatchObject({
      state: 'done',
      counts: { rows: 2, created: 2, updated: 0, unchanged: 0, rejected: 0, skipped: 1 },
      task: { state: 'done', done: 2, total: 2, failed: 0 },
      startedAt: now.toISOString(),
      finishedAt: now.toISOString(),
    })
    expect(await people()).toEqual([
      {
        id: 'u1',
        email: 'anna@x.example',
        properties: {
          first_name: 'Anna',
          Orders: 3,
          VIP: true,
          'Signed up': '2026-01-02T00:00:00.000Z',
          Zip: '01234',
        },
        tags: ['a', 'b'],
      },
      {
        id: 'u2',
        email: 'ben@x.example',
        properties: {
          first_name: 'Ben "the" Great',
          Orders: 4.5,
          VIP: false,
          'Signed up': '2026-01-03T10:00:00.000Z',
          Zip: '80331',
        },
        tags: [],
      },
    ])
    // Its file is no longer needed, and it can't be started again.
    expect(await server.call('POST', `/imports/${ready.id}/start`, {})).toMatchObject({ status: 409 })
  })

  it('updates people by id, else by address, and newer writes win', async () => {
    now = new Date('2026-06-02T12:00:00Z')
    await server.run('id,email,plan,city\nm1,Mia@x.example,free,Rome\nm2,max@x.example,free,Oslo\n')
    const ready = await server.upload('email,plan,city\nmia@X.example,pro,\nnew@x.example,team,Bonn\n')
    const started = await server.call('POST', `/imports/${ready.id}/start`, {})
    // Later than the import's beginning.
    now = new Date('2026-06-02T12:00:01Z')
    await server.call('PUT', '/people/id:m1', { properties: { plan: 'enterprise', seats: 5 } })
    await server.work(started.body.task.id)
    expect((await server.call('GET', `/imports/${ready.id}`)).body.counts).toEqual({
      rows: 2,
      created: 1,
      updated: 1,
      unchanged: 0,
      optedOut: 0,
      rejected: 0,
      skipped: 1,
    })
    expect(await find('m1')).toMatchObject({
      email: 'mia@x.example',
      properties: { plan: 'enterprise', seats: 5, city: 'Rome' },
    })
    expect(await find('new@x.example')).toMatchObject({ email: 'new@x.example' })
  })

  it('leaves out or keeps to people who are there, and empties what is empty, when told to', async () => {
    now = new Date('2026-06-03T12:00:00Z')
    await server.run('id,plan\no1,free\n')
    now = new Date('2026-06-03T13:00:00Z')
    const file = 'id,plan,phone\no1,pro,\no2,pro,\n'
    const updated = await server.run(file, {}, { options: { updateOnly: true } })
    expect(updated.counts).toMatchObject({ created: 0, updated: 1, rejected: 1 })
    expect(await server.rejects(updated.id)).toEqual([[3, null, 'is about nobody who is in the project']])
    now = new Date('2026-06-03T14:00:00Z')
    const created = await server.run(
      'id,plan\no1,none\no3,pro\no3,team\n',
      {},
      { options: { createOnly: true } },
    )
    expect(created.counts).toMatchObject({ created: 1, unchanged: 2, rejected: 0 })
    expect((await find('o1'))!.properties).toEqual({ plan: 'pro' })
    expect((await find('o3'))!.properties).toEqual({ plan: 'pro' })
    now = new Date('2026-06-03T15:00:00Z')
    await server.run('id,plan\no1,\no3,\n', {}, { options: { overwriteEmpty: true, tags: ['emptied'] } })
    expect(await find('o1')).toMatchObject({ properties: {}, tags: ['emptied'] })
  })

  it('rejects what is wrong with its line, column and reason, and nothing else', async () => {
    now = new Date('2026-06-04T12:00:00Z')
    const file = [
      'id,email,age,born',
      'r1,r1@x.example,30,1965-05-05',
      'r2,no address,31,',
      'r3,r3@x.example,old,',
      ',,1,',
      'r4,r4@x.example,1,2026-02-30',
      'r5,r5@x.example,1,,more',
      '"two',
      'lines",bad@,1,',
      'r6,r6@x.example,1,1990-01-01,,',
      `${'x'.repeat(300)},a@x.example,1,`,
      'r\0,n@x.example,1,',
      'r7,"open',
      'r8,r8@x.example,8,',
    ].join('\n')
    const mapping = {
      id: { to: 'id' },
      email: { to: 'email' },
      age: { to: 'property:age', type: 'number' },
      born: { to: 'property:born', type: 'date' },
    }
    const done = await server.run(file, {}, { mapping })
    expect(done.counts).toEqual({
      rows: 12,
      created: 3,
      updated: 0,
      unchanged: 0,
      optedOut: 0,
      rejected: 9,
      skipped: 1,
    })
    expect(await server.rejects(done.id)).toEqual([
      [3, 'email', 'is not an email address: it has no @'],
      [4, 'age', expect.stringMatching(/^is not a number/)],
      [5, null, 'has neither an id nor an email address'],
      [6, 'born', expect.stringMatching(/^is not a date/)],
      [7, null, 'has 5 cells; there are 4 columns'],
      [8, 'email', 'is not an email address: what comes after the @ is no domain'],
      [11, 'id', 'must be shorter than 255 characters'],
      [12, null, expect.stringMatching(/cell 1 contains a NUL/)],
      [13, null, expect.stringMatching(/a quote opens/)],
    ])
    expect((await find('r1'))!.properties).toMatchObject({ born: '1965-05-05T00:00:00.000Z' })
    const csv = await server.call('GET', `/imports/${done.id}/rejects.csv`)
    expect(csv.text.split('\r\n').slice(0, 3)).toEqual([
      'id,email,age,born,reject_line,reject_column,reject_reason,reject_text',
      'r2,no address,31,,3,email,is not an email address: it has no @,',
      expect.stringMatching(/^r3,r3@x\.example,old,,4,age,is not a number.*,$/),
    ])
    // Corrected, it is imported with the same mapping.
    const corrected = csv.text.replace('no address', 'r2@x.example').replace(',old,', ',32,')
    const again = await server.run(corrected, {}, { mapping })
    expect(again.counts).toMatchObject({ rows: 9, created: 3, rejected: 6 })
    expect((await find('r2'))!.properties).toEqual({ age: 31 })
  })
})

describe('an upload', () => {
  it('goes on where it broke, and nowhere else', async () => {
    const file = stringify([['id', 'n'], ...Array.from({ length: 2_000 }, (_, n) => [`up${n}`, String(n)])])
    const { id } = (await server.call('POST', '/imports', { kind: 'people' })).body
    expect((await server.put(id, file.subarray(0, 10_000), 'offset=0')).body).toMatchObject({
      state: 'uploading',
      offset: 10_000,
    })
    const wrong = await server.put(id, file.subarray(12_000), 'offset=12000&last=true')
    expect(wrong).toMatchObject({ status: 409, body: { expectedOffset: 10_000 } })
    const done = await server.put(id, file.subarray(10_000), 'offset=10000&last=true')
    expect(done.body).toMatchObject({ state: 'ready', size: file.length })
    // The reply was lost: it comes again.
    expect((await server.put(id, '', `offset=${file.length}&last=true`)).body).toMatchObject({
      state: 'ready',
    })
    expect((await server.put(id, 'x', `offset=${file.length}`)).status).toBe(409)
    expect((await server.start(id)).counts).toMatchObject({ rows: 2_000, created: 2_000 })
  })

  it('whose connection breaks keeps what came', async () => {
    const file = stringify([
      ['id', 'n'],
      ...Array.from({ length: 300_000 }, (_, n) => [`broken${n}`, String(n)]),
    ])
    const { id } = (await server.call('POST', '/imports', { kind: 'people' })).body
    const url = new URL(`${server.url}/api/v1/projects/${server.projectId}/imports/${id}/file?last=true`)
    await new Promise<void>((done) => {
      const upload = request(url, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${server.secretKey}`,
          'content-type': 'application/octet-stream',
          'content-length': file.length,
        },
      })
      upload.on('error', () => done())
      upload.write(file.subarray(0, 4_500_000), () => upload.destroy(new Error('the cable was pulled')))
    })
    // What was received and not stored yet is stored when the server learns that no more comes.
    let offset = 0
    while (offset === 0) offset = (await server.call('GET', `/imports/${id}`)).body.offset
    const state = async () => (await server.call('GET', `/imports/${id}`)).body
    let rest = await server.put(id, file.subarray(offset), `offset=${offset}&last=true`)
    while (rest.status === 409) {
      offset = rest.body.expectedOffset
      rest = await server.put(id, file.subarray(offset), `offset=${offset}&last=true`)
    }
    expect(rest.status).toBe(200)
    expect(await state()).toMatchObject({ state: 'ready', size: file.length })
  })

  it('of an unknown import, or with bad words, is refused', async () => {
    expect((await server.put(999_999, 'x')).status).toBe(404)
    expect((await server.call('POST', '/imports', { kind: 'pets' })).body).toMatchObject({ field: 'kind' })
    expect((await server.call('POST', '/imports', { kind: 'people', url: 'ftp://x' })).body).toMatchObject({
      status: 422,
      field: 'url',
    })
  })
})

describe('a start', () => {
  it.each([
    [{ mapping: { plan: { to: 'property:plan' } } }, 'mapping'],
    [{ mapping: { id: { to: 'pet' } } }, 'mapping.id.to'],
    [{ mapping: { id: { to: 'id' }, plan: { to: 'id' } } }, 'mapping.plan.to'],
    [{ mapping: { nothing: { to: 'id' } } }, 'mapping.nothing'],
    [{ mapping: { id: { to: 'id' }, plan: { to: 'property:__proto__' } } }, 'mapping.plan.to'],
    [{ options: { segment: 77 } }, 'options.segment'],
    [{ options: { dates: 'german' } }, 'options.dates'],
  ])('that can not be followed is refused: %j', async (start, field) => {
    const { id } = await server.upload('id,plan\n1,2\n')
    const answer = await server.call('POST', `/imports/${id}/start`, start)
    expect(answer).toMatchObject({ status: 422, body: { field } })
    expect((await server.call('GET', `/imports/${id}`)).body.state).toBe('ready')
  })

  it('can be tried first', async () => {
    now = new Date(now.getTime() + 60_000)
    await server.run('id,plan\nd1,free\n')
    const ready = await server.upload('id,plan,n\nd1,pro,1\nd2,pro,x\nd3,pro,3\nd3,pro,3\n')
    const start = { mapping: { id: { to: 'id' }, n: { to: 'property:n', type: 'number' } } }
    const tried = await server.start(ready.id, { ...start, dryRun: true })
    expect(tried).toMatchObject({
      state: 'ready',
      counts: { rows: 4, created: 1, updated: 2, rejected: 1 },
      startedAt: null,
    })
    expect(await server.rejects(ready.id)).toHaveLength(1)
    expect(await find('d3')).toBeUndefined()
    const done = await server.start(ready.id)
    expect(done.counts).toMatchObject({ rows: 4, created: 1, rejected: 1 })
    expect(await server.rejects(ready.id)).toHaveLength(1)
  })

  it('can be paused, resumed and cancelled', async () => {
    const ready = await server.upload('id\nz1\n')
    const started = await server.call('POST', `/imports/${ready.id}/start`, {})
    expect((await server.call('POST', `/imports/${ready.id}/pause`)).body).toMatchObject({
      state: 'importing',
      task: { state: 'paused' },
    })
    await server.work(started.body.task.id)
    expect(await find('z1')).toBeUndefined()
    expect((await server.call('DELETE', `/imports/${ready.id}`)).status).toBe(409)
    expect((await server.call('POST', `/imports/${ready.id}/resume`)).body.task.state).toBe('waiting')
    expect((await server.call('POST', `/imports/${ready.id}/cancel`)).body.state).toBe('cancelled')
    // It can be started again.
    expect((await server.start(ready.id)).state).toBe('done')
    expect(await find('z1')).toBeDefined()
    expect((await server.call('DELETE', `/imports/${ready.id}`)).status).toBe(204)
    expect((await server.call('GET', `/imports/${ready.id}`)).status).toBe(404)
    expect((await server.call('GET', '/imports?limit=2')).body.items).toHaveLength(2)
  })
})

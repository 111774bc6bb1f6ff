import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Importer, startImporter } from './support.ts'

let server: Importer
let now = new Date('2026-06-14T12:00:00Z')
beforeAll(async () => {
  server = await startImporter(() => (now = new Date(now.getTime() + 1_000)))
})
afterAll(() => server?.close())

interface Guessed {
  columns: { name: string; guess: { to: string }; warning?: string }[]
}
const column = (made: Guessed, name: string) => made.columns.find((one) => one.name === name)!
/** By the part of the address before the @. */
const people = async (domain: string) =>
  Object.fromEntries(
    (
      await server.sql<{ email: string; subscribed: boolean; suppressed: boolean }>(
        'select email, subscribed, suppressed from people where project_id = $1 and email like $2',
        server.projectId,
        `%@${domain}`,
      )
    ).map(({ email, subscribed, suppressed }) => [
      email.split('@')[0],
      suppressed ? (subscribed ? 'suppressed' : 'both') : subscribed ? 'subscribed' : 'unsubscribed',
    ]),
  )

describe('a list of another product keeps everybody unsubscribed who was', () => {
  it('listmonk', async () => {
    const file =
      'uuid,email,name,attributes,status,created_at,updated_at\n' +
      ['enabled', 'blocklisted', 'disabled']
        .map(
          (status) =>
            `u-${status},${status}@lm.example,N,{},${status},2026-01-02T03:04:05Z,2026-01-02T03:04:05Z\n`,
        )
        .join('')
    const ready = await server.upload(file)
    expect(column(ready, 'status')).toMatchObject({ guess: { to: 'unsubscribed' } })
    expect((await server.start(ready.id)).counts).toMatchObject({ created: 3, rejected: 0 })
    expect(await people('lm.example')).toEqual({
      enabled: 'subscribed',
      blocklisted: 'unsubscribed',
      disabled: 'unsubscribed',
    })
    expect((await server.run(file)).counts).toMatchObject({ unchanged: 3 })
  })

  it('listmonk, subscriptions', async () => {
    const rows = ['confirmed', 'unconfirmed', 'unsubscribed'].map(
      (status) => `${status}@ls.example,enabled,${status}\n`,
    )
    const done = await server.run(`email,status,subscription_status\n${rows.join('')}`)
    expect(done.counts).toMatchObject({ created: 3, rejected: 0 })
    expect(await people('ls.example')).toEqual({
      confirmed: 'subscribed',
      unconfirmed: 'unsubscribed',
      unsubscribed: 'unsubscribed',
    })
  })

  it('Keila', async () => {
    const rows = ['active', 'unsubscribed', 'unreachable'].map((status) => `${status}@k.example,${status}\n`)
    await server.run(`Email,Status\n${rows.join('')}`)
    expect(await people('k.example')).toEqual({
      active: 'subscribed',
      unsubscribed: 'unsubscribed',
      unreachable: 'unsubscribed',
    })
  })

  it('one that tells bounces and complaints, which are suppressed', async () => {
    const words = [
      'Active',
      'Hard bounce',
      'Cleaned',
      'Marked as spam',
      'Opted out',
      'Do not contact',
      'BLACKLISTED',
    ]
    const rows = words.map((word, index) => `p${index}@b.example,${word}\n`)
    await server.run(`Email,Email status\n${rows.join('')}`)
    expect(Object.values(await people('b.example')).sort()).toEqual([
      'both',
      'subscribed',
      'suppressed',
      'suppressed',
      'unsubscribed',
      'unsubscribed',
      'unsubscribed',
    ])
  })
})

describe('a column that says who wants no mail', () => {
  it.each([
    ['doNotContact', 'true', 'false'],
    ['Opt-Out', 'yes', 'no'],
    ['email_opt_out', '1', '0'],
    ['unsubscribed_at', '2026-01-02T03:04:05Z', ''],
    ['Unsubscribe date', '31/12/2025', ''],
    ['Date unsubscribed', '45000', ''],
    ['email_disabled', 'TRUE', 'FALSE'],
    ['state', 'unsubscribed', 'active'],
    ['Subscription status', 'UNSUBSCRIBED', 'SUBSCRIBED'],
    ['Subscription', 'Opted-out', 'Opted-in'],
    ['Email consent', 'no', 'yes'],
    ['subscribed_to_emails', 'false', 'true'],
    ['Abo', 'unsubscribed', 'subscribed'],
  ])('%s', async (name, no, yes) => {
    const domain = `${name.toLowerCase().replace(/[^a-z]/g, '')}.example`
    const ready = await server.upload(`email,${name}\nyes@${domain},${yes}\nno@${domain},${no}\n`)
    expect(column(ready, name).warning).toBeUndefined()
    expect((await server.start(ready.id)).counts).toMatchObject({ created: 2, rejected: 0 })
    expect(await people(domain)).toEqual({ yes: 'subscribed', no: 'unsubscribed' })
  })

  it('that is one of several: each no counts, in whatever order', async () => {
    const header = 'email,subscribed,status,Do not contact,bounced'
    await server.run(
      `${header}\na@s.example,yes,active,no,no\nb@s.example,yes,unsubscribed,no,no\nc@s.example,yes,active,yes,no\nd@s.example,yes,active,no,yes\n`,
    )
    await server.run('email,status,subscribed\ne@s.example,unsubscribed,yes\nf@s.example,bounced,yes\n')
    expect(await people('s.example')).toEqual({
      a: 'subscribed',
      b: 'unsubscribed',
      c: 'unsubscribed',
      d: 'suppressed',
      e: 'unsubscribed',
      f: 'suppressed',
    })
  })

  it('subscribes nobody again, and can go elsewhere', async () => {
    await server.run('email,unsubscribed\nback@a.example,yes\n')
    const ready = await server.upload('email,status\nback@a.example,active\n')
    const to = (target: string) => ({ mapping: { email: { to: 'email' }, status: { to: target } } })
    expect((await server.start(ready.id)).counts).toMatchObject({ unchanged: 1 })
    const again = await server.upload('email,status\nback@a.example,active\n')
    await server.start(again.id, to('property:status'))
    expect(await people('a.example')).toEqual({ back: 'unsubscribed' })
  })
})

describe('a file that says yes where people said no', () => {
  const told = { options: { resubscribe: true } }
  const stay = async (
    name: string,
    file: string,
    is: Record<string, string>,
    become: Record<string, string>,
    optedOut: number,
  ) => {
    const tried = await server.upload(file)
    expect((await server.start(tried.id, { dryRun: true })).counts).toMatchObject({ optedOut, rejected: 0 })
    const kept = await server.start(tried.id)
    expect(kept.counts).toMatchObject({ optedOut, rejected: 0 })
    expect(await people(name)).toEqual(is)
    const other = await server.upload(file)
    expect((await server.start(other.id, { ...told, dryRun: true })).counts).toMatchObject({ optedOut })
    const done = await server.start(other.id, told)
    expect(done.counts).toMatchObject({ optedOut, rejected: 0 })
    expect(await people(name)).toEqual(become)
    await server.work((await server.call('POST', `/imports/${done.id}/undo`)).body.task.id)
    expect(await people(name)).toEqual(is)
    await server.run(file, {}, told)
    // Nobody is out any more.
    expect((await server.run(file)).counts).toMatchObject({ optedOut: 0, unchanged: done.counts.rows })
  }

  it('leaves them out, counts them, and subscribes them when it is told to', async () => {
    await server.run('id,email,subscribed\nr1,a@ro.example,yes\nr2,b@ro.example,no\n')
    await server.call('POST', '/people/id:r1/unsubscribe')
    await stay(
      'ro.example',
      'id,email,subscribed\nr1,a@ro.example,yes\nr2,b@ro.example,no\nr3,c@ro.example,yes\n',
      { a: 'unsubscribed', b: 'unsubscribed', c: 'subscribed' },
      { a: 'subscribed', b: 'unsubscribed', c: 'subscribed' },
      1,
    )
  })

  it('by address alone, also of an address that opted out before somebody had it', async () => {
    await server.run('email\na@rr.example\n', { kind: 'unsubscribes' })
    await server.run('id,email\nrr2,b@rr.example\n', { kind: 'unsubscribes' })
    await server.call('DELETE', '/people/id:rr2')
    await stay(
      'rr.example',
      'id,email,subscribed\n,a@rr.example,yes\nrr3,b@rr.example,yes\n',
      { a: 'unsubscribed', b: 'unsubscribed' },
      { a: 'subscribed', b: 'subscribed' },
      2,
    )
  })

  it('of topics and suppressions, too', async () => {
    await server.run(
      'id,email,suppressed,topic\nt1,a@rt.example,yes,no\n',
      {},
      {
        mapping: {
          id: { to: 'id' },
          email: { to: 'email' },
          suppressed: { to: 'suppressed' },
          topic: { to: 'topic:news' },
        },
      },
    )
    const suppressed = async () => (await server.call('GET', '/suppressions?search=a@rt.example')).body.items
    const file = await server.upload('id,suppressed,topic\nt1,no,yes\n')
    const start = {
      mapping: { id: { to: 'id' }, suppressed: { to: 'suppressed' }, topic: { to: 'topic:news' } },
    }
    expect((await server.start(file.id, start)).counts).toMatchObject({ optedOut: 1, unchanged: 1 })
    const t1 = async () =>
      (await server.sql('select suppressed, topics from people where external_id = $1', 't1'))[0]
    expect(await t1()).toEqual({ suppressed: true, topics: { news: false } })
    expect(await suppressed()).toHaveLength(1)
    const again = await server.upload('id,suppressed,topic\nt1,no,yes\n')
    expect((await server.start(again.id, { ...start, ...told })).counts).toMatchObject({
      optedOut: 1,
      updated: 1,
    })
    expect(await t1()).toEqual({ suppressed: false, topics: { news: true } })
    expect(await suppressed()).toHaveLength(0)
  })

  it('holds against a row that is newer than the opt-out, which tells nothing of what is old in it', async () => {
    await server.run('id,email\nw1,a@rw.example\n')
    await server.call('POST', '/people/id:w1/unsubscribe')
    const later = new Date(now.getTime() + 1_000).toISOString()
    const file = `id,subscribed,updated_at\nw1,yes,${later}\n`
    expect((await server.run(file)).counts).toMatchObject({ optedOut: 1 })
    expect(await people('rw.example')).toEqual({ a: 'unsubscribed' })
  })
})

describe('a column that looks like consent, but is not understood', () => {
  it.each([
    ['status', ['paid', 'trial']],
    ['Email status', ['actif', 'désabonné']],
    ['status', ['', '']],
    ['state', ['active', 'inactive']],
    ['Do not contact', ['email', 'letters']],
    ['consent', ['by phone', 'yes']],
  ])('is a property with a warning: %s %j', async (name, [one, other]) => {
    const ready = await server.upload(`email,${name}\na@w.example,${one}\nb@w.example,${other}\n`)
    expect(column(ready, name)).toMatchObject({
      guess: { to: `property:${name}` },
      warning: expect.stringMatching(/^may say who wants no mail, but .*let it go to unsubscribed$/),
    })
  })

  it('unsubscribes by the values that are, and rejects the other rows', async () => {
    const ready = await server.upload('email,status\na@r.example,unsubscribed\nb@r.example,churned\n')
    expect(column(ready, 'status')).toMatchObject({
      guess: { to: 'unsubscribed' },
      warning: expect.stringMatching(/these rows will be rejected/),
    })
    const done = await server.start(ready.id)
    expect(await server.rejects(done.id)).toEqual([[3, 'status', expect.stringMatching(/word of consent/)]])
    expect(await people('r.example')).toEqual({ a: 'unsubscribed' })
  })

  it('is left alone where it is something else', async () => {
    const ready = await server.upload(
      'email,state,SMS consent,marital status,subscribed_at,disabled\na@e.example,CA,unsubscribed,single,2026-01-02,yes\n',
    )
    for (const { name, guess, warning } of ready.columns)
      if (name !== 'email') expect([name, guess.to, warning]).toEqual([name, `property:${name}`, undefined])
    // Topics, rather.
    const topics = await server.upload('email,News,Offers\na@e.example,subscribed,unsubscribed\n')
    expect(column(topics, 'News')).toMatchObject({
      guess: { to: 'property:News' },
      warning: expect.any(String),
    })
    // A property that is there, and words that are said of other things, too.
    await server.call('PUT', '/people/id:plans', { properties: { status: 'active' } })
    const plans = await server.upload('email,status\na@e.example,active\nb@e.example,disabled\n')
    expect(column(plans, 'status')).toMatchObject({
      guess: { to: 'property:status' },
      warning: expect.any(String),
    })
    const lists = await server.upload('email,status\na@e.example,blocklisted\n')
    expect(column(lists, 'status')).toMatchObject({ guess: { to: 'unsubscribed' } })
  })
})

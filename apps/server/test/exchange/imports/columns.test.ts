import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Importer, startImporter } from './support.ts'

let server: Importer
let now = new Date('2026-06-14T12:00:00Z')
beforeAll(async () => {
  server = await startImporter(() => (now = new Date(now.getTime() + 1_000)))
})
afterAll(() => server?.close())

const guesses = (made: { columns: { name: string; guess: { to: string } }[] }) =>
  Object.fromEntries(made.columns.map(({ name, guess }) => [name, guess.to]))

describe('columns', () => {
  it('meet properties that are there, whatever their case, spaces and underscores', async () => {
    await server.call('PUT', '/people/id:k1', {
      properties: { plan: 'pro', firstName: 'Anna', Größe: 3, city: 'Rome', constructor: 'x' },
    })
    const ready = await server.upload(
      'id,Plan,First name,GRÖSSE,größe,City,city,_C i-t.y,Constructor,New one\nk1,a,b,c,d,e,f,g,h,i\n',
    )
    expect(guesses(ready)).toEqual({
      id: 'id',
      Plan: 'property:plan',
      'First name': 'property:firstName',
      GRÖSSE: 'property:GRÖSSE',
      größe: 'property:Größe',
      City: 'property:City',
      // One that is called just so comes first; the others keep their names.
      city: 'property:city',
      '_C i-t.y': 'property:_C i-t.y',
      Constructor: 'property:constructor',
      'New one': 'property:New one',
    })
    // What is guessed can be followed, and changed.
    const done = await server.start(ready.id, {
      mapping: {
        id: { to: 'id' },
        Plan: { to: 'property:Plan' },
        'First name': { to: 'property:firstName' },
      },
    })
    expect(done.counts).toMatchObject({ updated: 1, rejected: 0 })
    const [person] = await server.sql('select properties from people where external_id = $1', 'k1')
    expect(person!.properties).toMatchObject({ plan: 'pro', Plan: 'a', firstName: 'b' })
  })

  it('of events meet properties of events', async () => {
    const file = 'user_id,event,time,amount\nk2,Bought,2026-03-01T10:00:00Z,5\n'
    await server.run(file, { kind: 'events' })
    const ready = await server.upload(
      'User ID,Event,Time,AMOUNT,Plan\nk2,Bought,2026-03-01T11:00:00Z,5,x\n',
      {
        kind: 'events',
      },
    )
    expect(guesses(ready)).toMatchObject({ AMOUNT: 'property:amount', Plan: 'property:Plan' })
  })
})

it.each([
  ['1E5', '2E10', 'text'],
  ['12', '3e2', 'text'],
  ['12', '3.5', 'number'],
])('%s and %s are guessed to be of type %s', async (one, other, type) => {
  const ready = await server.upload(`id,Product,Made date\nx1,${one},${one}\nx2,${other},${other}\n`)
  expect(ready.columns.slice(1).map(({ guess }: { guess: { type: string } }) => guess.type)).toEqual([
    type,
    type,
  ])
})

describe('the same file again', () => {
  const file = 'id,email,plan,Tags,phone\nm1,m1@x.example,pro,"a,b",+43 660 1234567\nm2,m2@x.example,free,,\n'

  it('says "unchanged", in a dry run, too', async () => {
    expect((await server.run(file)).counts).toMatchObject({ created: 2 })
    expect((await server.run(file)).counts).toMatchObject({ created: 0, updated: 0, unchanged: 2 })
    const ready = await server.upload(file)
    const tried = await server.start(ready.id, { dryRun: true })
    expect(tried.counts).toMatchObject({ created: 0, updated: 0, unchanged: 2 })
    const other = await server.upload(file.replace('free', 'pro'))
    expect((await server.start(other.id, { dryRun: true })).counts).toMatchObject({
      updated: 1,
      unchanged: 1,
    })
    expect((await server.start(other.id)).counts).toMatchObject({ updated: 1, unchanged: 1 })
  })

  it.each(['unsubscribes', 'suppressions'] as const)('of %s as well', async (kind) => {
    const list = 'email\nm1@x.example\n'
    await server.run(list, { kind })
    expect((await server.run(list, { kind })).counts).toMatchObject({ created: 0, updated: 0, unchanged: 1 })
  })

  it('of tags as well', async () => {
    const tags = 'id,tags\nm1,vip\n'
    expect((await server.run(tags, { kind: 'tags' })).counts).toMatchObject({ updated: 1 })
    const ready = await server.upload(tags, { kind: 'tags' })
    expect((await server.start(ready.id, { dryRun: true })).counts).toMatchObject({ unchanged: 1 })
    expect((await server.start(ready.id)).counts).toMatchObject({ updated: 0, unchanged: 1 })
  })
})

/** Headers as the products write them, and one person. */
const exported: [source: string, file: string, to: Record<string, string>][] = [
  [
    'google',
    'First Name,Middle Name,Last Name,Birthday,Notes,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value\nAnna,,Gruber,1990-01-02,,* myContacts ::: Friends,* Home,google@x.example,Mobile,+43 660 1234567\n',
    {
      // Which is there.
      'First Name': 'property:firstName',
      'E-mail 1 - Value': 'email',
      'Phone 1 - Value': 'phone',
      Labels: 'tags',
    },
  ],
  [
    'outlook',
    '"First Name","Last Name","Company","E-mail Address","E-mail Display Name","Mobile Phone","Categories"\n"Anna","Gruber","","outlook@x.example","Anna","+43 660 1234567","Red"\n',
    {
      'Last Name': 'property:last_name',
      'E-mail Address': 'email',
      'Mobile Phone': 'phone',
      Categories: 'tags',
    },
  ],
  [
    'mailchimp',
    '"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,UNSUB_TIME,LEID,EUID,TAGS\nmailchimp@x.example,Anna,Gruber,2,"2024-05-06 07:08:09","2025-01-01 10:00:00",123,abc,"""VIP"",""Old customer"""\n',
    {
      'Email Address': 'email',
      OPTIN_TIME: 'created_at',
      UNSUB_TIME: 'unsubscribed',
      TAGS: 'tags',
      LEID: 'ignore',
    },
  ],
  [
    'customerio',
    'cio_id,id,email,created_at,unsubscribed,plan\nb1a2,c1,customerio@x.example,1714980000,true,pro\n',
    { cio_id: 'ignore', id: 'id', email: 'email', created_at: 'created_at', unsubscribed: 'unsubscribed' },
  ],
  [
    'klaviyo',
    'Email,Klaviyo ID,First Name,Last Name,Phone Number,Email Marketing Consent,Profile Created On\nklaviyo@x.example,01H,Anna,Gruber,+43 660 1234567,NEVER_SUBSCRIBED,2024-05-06 07:08:09\n',
    {
      Email: 'email',
      'Klaviyo ID': 'ignore',
      'Email Marketing Consent': 'unsubscribed',
      'Profile Created On': 'created_at',
    },
  ],
  [
    'hubspot',
    '"Record ID","First Name","Last Name","Email","Phone Number","Create Date","Unsubscribed from all email"\n"51","Anna","Gruber","hubspot@x.example","","2024-05-06 07:08","true"\n',
    {
      'Record ID': 'id',
      Email: 'email',
      'Create Date': 'created_at',
      'Unsubscribed from all email': 'unsubscribed',
    },
  ],
]

describe('an export of another product is known by its columns', () => {
  it.each(exported)('%s', async (source, file, to) => {
    const ready = await server.upload(file)
    expect(ready.from).toBe(source)
    expect(guesses(ready)).toMatchObject(to)
    const done = await server.start(ready.id)
    expect([done.counts.rejected, await server.rejects(done.id)]).toEqual([0, []])
    const [person] = await server.sql(
      'select subscribed, tags, properties from people where email = $1',
      `${source}@x.example`,
    )
    if (source === 'google') expect(person).toMatchObject({ tags: ['* myContacts', 'Friends'] })
    else if (source !== 'outlook') expect(person!.subscribed).toBe(false)
    if (source === 'mailchimp') expect(person!.tags).toEqual(['Old customer', 'VIP'])
    expect(Object.keys(person!.properties)).not.toContain('LEID')
  })

  it('and subscribes nobody again who unsubscribed here', async () => {
    await server.run('email,unsubscribed\nback@x.example,yes\n')
    for (const file of [
      'cio_id,email,unsubscribed\nb1,back@x.example,false\n',
      'Email,Klaviyo ID,Email Marketing Consent\nback@x.example,01H,SUBSCRIBED\n',
    ])
      expect((await server.run(file)).counts).toMatchObject({ rejected: 0, unchanged: 1 })
    // A column of that name may, when it is told to.
    const file = 'email,subscribed\nback@x.example,yes\n'
    expect((await server.run(file)).counts).toMatchObject({ unchanged: 1, optedOut: 1 })
    const told = { options: { resubscribe: true } }
    expect((await server.run(file, {}, told)).counts).toMatchObject({ updated: 1, optedOut: 1 })
  })

  it('counts for lists of addresses as well, of which nothing else is taken', async () => {
    const ready = await server.upload(exported[2]![1], { kind: 'suppressions' })
    expect(Object.values(guesses(ready)).filter((to) => to !== 'ignore')).toEqual(['email'])
    expect((await server.call('POST', '/imports', { kind: 'people', from: 'nobody' })).status).toBe(422)
  })
})

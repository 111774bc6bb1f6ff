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

  it('that templates know by another name get it, unless it is there', async () => {
    const named = async (header: string) =>
      Object.values(guesses(await server.upload(`email,${header}\na@x.example,x,y,z\n`))).slice(1)
    expect(await named('LAST NAME,Job-Title,jobTitle')).toEqual([
      'property:last_name',
      'property:job_title',
      'property:jobTitle',
    ])
    expect(await named('last name,last_name,Date of Birth')).toEqual([
      'property:last name',
      'property:last_name',
      'property:date_of_birth',
    ])
  })

  it('say what an id may be mistaken for, and that one comes with several addresses', async () => {
    const events = await server.upload('id,user_id,event\n1,u1,Bought\n', { kind: 'events' })
    expect(events.columns[0]).toMatchObject({ guess: { to: 'event_id' } })
    expect(events.columns[0].warning).toMatch(/^is taken as the id of the event/)
    const people = await server.upload(
      'id,email\n7,a@x.example\n7,A@X.example\n8,b@x.example\n8,c@x.example\n9,\n9,d@x.example\n',
    )
    expect(people.columns[0].warning).toMatch(/^has an id that comes with several addresses/)
    const sound = await server.upload('id,email\n7,a@x.example\n8,a@x.example\n')
    expect(sound.columns[0]).not.toHaveProperty('warning')
  })

  it('say which first rows could not be read, and why', async () => {
    const ready = await server.upload('id,note\na,"x"y\nb,1,2\nc,ok\n')
    expect(ready.unread).toEqual([
      {
        reason: 'a quote opens, and text follows the one that closes it: write quotes in a text twice',
        rows: 1,
      },
      { reason: 'has 3 cells; there are 2 columns', rows: 1 },
    ])
    expect((await server.upload('{"id":"a"}\n[1]\n{"id"\n')).unread).toEqual([
      { reason: 'the line is not a JSON object', rows: 1 },
      { reason: 'the line is not JSON', rows: 1 },
    ])
    expect((await server.upload('id,note\na,b\n')).unread).toEqual([])
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

describe('dates like 31/12/2026', () => {
  const typesOf = (made: { columns: { guess: { type: string } }[] }) =>
    made.columns.slice(1).map(({ guess }) => guess.type)
  const stored = async (id: string) =>
    (await server.sql('select properties, created_at from people where external_id = $1', id))[0]!

  it('are dates where one of them tells which part comes first, for the whole file', async () => {
    const ready = await server.upload(
      'id,Renewal,Born,Created at\nd1,31.12.2026,03/04/1990,01-02-2026\nd2,01.02.2027,,25-12-2025\n',
    )
    expect(ready.options).toEqual({ dates: 'day_first' })
    expect(typesOf(ready)).toEqual(['date', 'date', 'date'])
    expect((await server.start(ready.id)).counts).toMatchObject({ created: 2, rejected: 0 })
    expect(await stored('d1')).toMatchObject({
      properties: { Renewal: '2026-12-31T00:00:00.000Z', Born: '1990-04-03T00:00:00.000Z' },
      created_at: new Date('2026-02-01'),
    })
    const american = await server.upload('id,Renewal\nd3,12/31/2026\nd4,2026-01-05\n')
    expect([american.options, typesOf(american)]).toEqual([{ dates: 'month_first' }, ['date']])
  })

  it('are texts with a warning where none does, until it is told', async () => {
    const ready = await server.upload('id,Renewal,Created at\nd5,03/04/2026,03/04/2026\n')
    expect([ready.options, typesOf(ready)]).toEqual([{}, ['text', 'date']])
    for (const column of ready.columns.slice(1)) expect(column.warning).toMatch(/day or month\? Choose/)
    expect(ready.columns[1].mayBeDates).toBe(true)
    expect((await server.start(ready.id, { dryRun: true })).counts).toMatchObject({ rejected: 1 })
    expect((await server.rejects(ready.id))[0]![2]).toMatch(
      /^is a date whose order nobody told: choose at “Dates/,
    )
  })

  it('become dates when the option is given and the mapping is not', async () => {
    const ready = await server.upload('id,Renewal\nd6,03/04/2026\n')
    const done = await server.start(ready.id, { options: { dates: 'day_first' } })
    expect(done.counts).toMatchObject({ created: 1 })
    expect((await stored('d6')).properties).toEqual({ Renewal: '2026-04-03T00:00:00.000Z' })
    const wrong = await server.upload('id,Due\nd7,31/04/2026\n')
    const mapping = { id: { to: 'id' }, Due: { to: 'property:Due', type: 'date' } }
    const failed = await server.start(wrong.id, { mapping, options: { dates: 'day_first' } })
    expect((await server.rejects(failed.id))[0]![2]).toMatch(/^is not a date/)
    const american = await server.upload('id,Due\nd7,12/31/2026\n')
    const other = await server.start(american.id, { mapping, options: { dates: 'day_first' } })
    expect((await server.rejects(other.id))[0]![2]).toMatch(/^is no day with the day first/)
  })

  it('of two orders, and with years of two digits, are left as they are', async () => {
    const two = await server.upload('id,A,B\nd8,31/12/2026,12/31/2026\n')
    expect([two.options, typesOf(two)]).toEqual([{}, ['text', 'text']])
    const short = await server.upload('id,Born\nd9,31/12/90\n')
    expect([short.options, typesOf(short)]).toEqual([{}, ['text']])
    expect(short.columns[1].warning).toMatch(/years of two digits/)
    expect(typesOf(await server.upload('id,Version\nd9,1.2.3\n'))).toEqual(['text'])
  })
})

it.each([
  ['id,phone\nq1,4.91512E+11\n', 'phone'],
  ['id,phone\nq1,"4,91512E+11"\n', 'phone'],
  ['id,plan\n4.91512E+11,pro\n', 'id'],
])('a long number that a spreadsheet cut short is rejected: %j', async (file, column) => {
  const done = await server.run(file)
  expect(await server.rejects(done.id)).toEqual([
    [2, column, expect.stringMatching(/^is a long number that/)],
  ])
})

import { randomUUID } from 'node:crypto'
import type { Right } from '../../src/platform/rights.ts'
import type { Maker } from './rights-world.ts'

/** A good request to a route. What a caller with the right sends, and others get their refusal for. */
export interface Sample {
  /** Where one route is called in several ways. */
  name?: string
  /** The right that this way needs, where it depends on what is asked. */
  right?: Right
  /** The good answer; default any 2xx. */
  status?: number
  /** With another tenant's id it answers 2xx and finds nothing: ids that only narrow a search. */
  narrows?: boolean
  make(make: Maker): Call | Promise<Call>
}

export interface Call {
  /** The project, when it is not the tenant's only one. */
  project?: number
  params?: Record<string, string | number>
  query?: Record<string, string | number>
  body?: unknown
  /** Instead of a JSON body. */
  file?: string
}

const plain: Sample = { make: () => ({}) }
const body = (body: unknown, more: Partial<Sample> = {}): Sample => ({ make: () => ({ body }), ...more })
const params = (
  make: (make: Maker) => Promise<NonNullable<Call['params']>>,
  more: Partial<Sample> = {},
): Sample => ({
  make: async (maker) => ({ params: await make(maker) }),
  ...more,
})
const person = async ({ person }: Maker) => ({ person: await person() })
const segment = async ({ segment }: Maker) => ({ segment: await segment() })
const campaign = async ({ campaign }: Maker) => ({ id: await campaign() })
const mail = async ({ mail }: Maker) => ({ mail: await mail() })

const bulk = (right: Right, action: object): Sample => ({
  name: `bulk ${(action as { kind: string }).kind}`,
  right,
  // Numbers of people who are gone are passed over.
  narrows: true,
  make: async ({ person }) => ({ body: { people: { ids: [await person()] }, action } }),
})

/** Commands of tasks need the right of starting them; a paused one can be resumed and cancelled as well. */
const taskCommand = (['import', 'undo', 'export', 'erase', 'tag'] as const).map(
  (kind): Sample => ({
    name: `a task of ${kind}`,
    right: (
      {
        import: 'imports.run',
        undo: 'imports.undo',
        export: 'people.export',
        erase: 'people.erase',
        tag: 'people.edit',
      } as const
    )[kind],
    // Resuming what runs already changes nothing, and is fine.
    make: async ({ task }) => ({ params: { task: await task(kind) } }),
  }),
)
const importCommand: Sample[] = [
  params(async (make) => ({ import: await make.import('running') }), {
    name: 'an import',
    right: 'imports.run',
  }),
  params(async (make) => ({ import: await make.import('undoing') }), {
    name: 'its undoing',
    right: 'imports.undo',
  }),
]
const switches = Object.fromEntries(
  ['subscribe', 'unsubscribe', 'suppress', 'unsuppress'].map((name) => [
    `POST /people/:person/${name}`,
    params(person),
  ]),
)
const smtp = { host: '127.0.0.1', port: 1, secure: false }
const selectOne = {
  name: 'Shop',
  kind: 'postgres',
  url: 'postgres://reader:secret@127.0.0.1:1/shop',
  query: 'select 1',
}

/** Of every route of a project, by method and what follows the project. */
export const projectSamples: Record<string, Sample | Sample[]> = {
  'GET /settings': plain,
  'PATCH /settings': body({ timezone: 'UTC' }),
  'DELETE /': { make: async ({ project }) => ({ project: await project() }) },
  'GET /keys': plain,
  'POST /keys': [
    body({ kind: 'tracking' }, { name: 'tracking' }),
    body({ kind: 'secret' }, { name: 'secret', right: 'keys.secret' }),
  ],
  'DELETE /keys/:key': params(async ({ key }) => ({ key: await key() })),

  'GET /overview': plain,
  'GET /rejects': plain,
  'GET /live': plain,
  'GET /people/:person/live': params(person),

  'GET /people': plain,
  'GET /people/count': plain,
  'GET /people/:person': params(person),
  'GET /people/:person/timeline': params(person),
  'PUT /people/:person': {
    make: async (make) => ({ params: await person(make), body: { properties: { size: 1 } } }),
  },
  'PATCH /people/:person': {
    make: async (make) => ({ params: await person(make), body: { properties: { size: 1 } } }),
  },
  'POST /people/:person/tags': {
    make: async (make) => ({ params: await person(make), body: { add: ['vip'] } }),
  },
  'POST /people/:person/devices': {
    make: async (make) => ({ params: await person(make), body: { add: [{ address: 'token' }] } }),
  },
  ...switches,
  'POST /people/:person/merge': {
    make: async (make) => ({ params: await person(make), body: { from: String(await make.person()) } }),
  },
  'GET /people/:person/export': params(person),
  'DELETE /people/:person': params(person),
  'GET /erasures': plain,
  'GET /suppressions': plain,
  'POST /suppressions': {
    make: ({ tenant }) => ({ body: { address: `${tenant.mark}-${randomUUID()}@x.example` } }),
  },
  'DELETE /suppressions/:address': params(async ({ suppression }) => ({ address: await suppression() })),
  'POST /people/search': {
    make: async (make) => ({
      body: { segment: await make.segment(), conditions: { segment: await make.segment() } },
    }),
  },
  'POST /people/bulk': [
    bulk('people.edit', { kind: 'add_tag', tag: 'vip' }),
    bulk('people.edit', { kind: 'remove_tag', tag: 'vip' }),
    bulk('people.edit', { kind: 'set_property', name: 'size', value: 1 }),
    bulk('people.consent', { kind: 'subscribe' }),
    bulk('people.consent', { kind: 'unsubscribe' }),
    bulk('people.consent', { kind: 'suppress' }),
    bulk('people.consent', { kind: 'set_topic', topic: 'news', wanted: true }),
    bulk('people.erase', { kind: 'erase' }),
    ...(['add_to_segment', 'remove_from_segment'] as const).map(
      (kind): Sample => ({
        name: kind,
        right: 'people.edit',
        make: async (make) => ({
          body: {
            people: { conditions: { segment: await make.segment() } },
            action: { kind, segment: await make.manualSegment() },
          },
        }),
      }),
    ),
  ],

  'GET /events': {
    narrows: true,
    make: async ({ person }) => ({ query: { person: await person() } }),
  },
  'GET /events/counts': plain,
  'GET /events/over-time': plain,
  'GET /catalog/properties': plain,
  'GET /catalog/events': plain,
  'GET /catalog/tags': plain,
  'GET /catalog/topics': plain,
  'GET /catalog/properties/:name/values': params(async () => ({ name: 'plan' })),
  'GET /catalog/events/:name/properties': params(async () => ({ name: 'bought' })),

  'GET /segments': plain,
  'POST /segments': {
    make: async (make) => ({
      body: { name: `S ${randomUUID()}`, conditions: { segment: await make.segment() } },
    }),
  },
  'POST /segments/preview': {
    make: async ({ segment }) => ({ body: { conditions: { segment: await segment() }, exact: true } }),
  },
  'GET /segments/:segment': params(segment),
  'PATCH /segments/:segment': {
    make: async (make) => ({
      params: await segment(make),
      body: { conditions: { not: { segment: await make.segment() } } },
    }),
  },
  'DELETE /segments/:segment': params(segment),
  'GET /segments/:segment/used-by': params(segment),
  'GET /segments/:segment/members': params(segment),
  'POST /segments/:segment/members': {
    make: async (make) => ({
      params: { segment: await make.manualSegment() },
      body: { add: [String(await make.person())], remove: [String(await make.person())] },
    }),
  },
  'GET /conditions/schema': plain,

  'GET /campaigns': plain,
  'POST /campaigns': {
    make: async (make) => ({
      body: {
        name: 'C',
        triggerEvent: 'bought',
        wait: { kind: 'immediately' },
        conditions: { segment: await make.segment() },
        templateId: await make.template(),
      },
    }),
  },
  'GET /campaigns/:id': params(campaign),
  'PATCH /campaigns/:id': {
    make: async (make) => ({
      params: await campaign(make),
      body: { templateId: await make.template(), conditions: { segment: await make.segment() } },
    }),
  },
  'DELETE /campaigns/:id': params(campaign),
  'GET /campaigns/:id/report': params(campaign),
  'GET /campaigns/:id/messages': params(campaign),

  'GET /templates': plain,
  'POST /templates': body({ name: 'T' }),
  'GET /templates/:template/used-by': params(async ({ template }) => ({ template: await template() })),
  'GET /templates/:template': params(async ({ template }) => ({ template: await template() })),
  'PATCH /templates/:template': {
    make: async ({ template }) => ({ params: { template: await template() }, body: { name: 'Other' } }),
  },
  'DELETE /templates/:template': params(async ({ template }) => ({ template: await template() })),
  'POST /templates/preview': {
    make: async ({ person }) => ({
      body: { subject: 'Hi', html: '<p>', person: { internalId: await person() } },
    }),
  },
  'POST /templates/:template/preview': {
    make: async ({ template, person }) => ({
      params: { template: await template() },
      body: { person: { internalId: await person() } },
    }),
  },

  'GET /messages': {
    narrows: true,
    make: async ({ person, campaign }) => ({ query: { person: await person(), campaign: await campaign() } }),
  },
  'GET /messages/:message': params(async ({ message }) => ({ message: await message() })),
  'POST /messages/test': plain,
  'GET /messages/failed': plain,
  'POST /messages/retry': { make: async () => ({ body: {} }) },
  'POST /messages/try-now': plain,
  'POST /messages/:message/retry': params(async ({ message }) => ({ message: await message('failed') })),
  'POST /messages/:message/resolve': {
    make: async ({ message }) => ({ params: { message: await message('unknown') }, body: { state: 'sent' } }),
  },
  'GET /mailbox': plain,
  'GET /mailbox/:mail': params(mail),
  'GET /mailbox/:mail/html': params(mail),
  'DELETE /mailbox/:mail': params(mail),
  'DELETE /mailbox': plain,

  'GET /providers': plain,
  'POST /providers': body({ config: smtp }),
  'PATCH /providers/:provider': {
    make: async ({ provider }) => ({ params: { provider: await provider() }, body: { name: 'Other' } }),
  },
  'DELETE /providers/:provider': params(async ({ provider }) => ({ provider: await provider() })),
  // Nothing listens there, which is told to those who may ask.
  'POST /providers/:provider/test': params(async ({ provider }) => ({ provider: await provider() }), {
    status: 422,
  }),
  'GET /domains': plain,
  'POST /domains': { make: () => ({ body: { domain: `${randomUUID()}.example` } }) },
  'DELETE /domains/:domain': params(async ({ domain }) => ({ domain: await domain() })),

  'GET /queue': plain,
  'POST /queue/pause': plain,
  'POST /queue/resume': plain,
  'GET /queue/dead-letters': plain,
  'GET /queue/dead-letters/:ref': params(async ({ deadLetter }) => ({ ref: await deadLetter() })),
  'POST /queue/dead-letters/redrive': {
    narrows: true,
    make: async ({ deadLetter }) => ({ body: { refs: [await deadLetter()] } }),
  },
  'POST /queue/dead-letters/discard': {
    narrows: true,
    make: async ({ deadLetter }) => ({ body: { refs: [await deadLetter()] } }),
  },

  'GET /sending': plain,
  // Nothing is held, which is told to those who may ask.
  'POST /sending/confirm': body({ pending: 'send' }, { status: 409 }),

  'POST /exports': [
    { make: async (make) => ({ body: { kind: 'segment', format: 'csv', segment: await make.segment() } }) },
    {
      name: 'by conditions',
      make: async (make) => ({
        body: { kind: 'people', format: 'csv', conditions: { segment: await make.segment() } },
      }),
    },
  ],
  'GET /exports': plain,
  'GET /exports/:export': params(async (make) => ({ export: await make.export() })),
  'GET /exports/:export/file': params(async (make) => ({ export: await make.export() })),
  'DELETE /exports/:export': params(async (make) => ({ export: await make.export() })),

  'GET /sources': plain,
  'POST /sources': body({ ...selectOne, import: { kind: 'people' } }),
  'POST /sources/test': {
    status: 422,
    make: async ({ source }) => ({ body: { source: await source() } }),
  },
  'GET /sources/:source': params(async ({ source }) => ({ source: await source() })),
  'PATCH /sources/:source': {
    make: async ({ source }) => ({ params: { source: await source() }, body: { name: 'Other' } }),
  },
  'DELETE /sources/:source': params(async ({ source }) => ({ source: await source() })),
  'POST /sources/:source/run': params(async ({ source }) => ({ source: await source() })),

  'GET /tasks': plain,
  'GET /tasks/:task': params(async ({ task }) => ({ task: await task('tag') })),
  'POST /tasks/:task/pause': taskCommand,
  'POST /tasks/:task/resume': taskCommand,
  'POST /tasks/:task/cancel': taskCommand,

  'POST /imports': body({ kind: 'people' }),
  'GET /imports': plain,
  'GET /imports/:import': params(async (make) => ({ import: await make.import('ready') })),
  'PATCH /imports/:import': {
    make: async (make) => ({
      params: { import: await make.import('ready') },
      body: { format: { type: 'csv' } },
    }),
  },
  'PUT /imports/:import/file': {
    make: async (make) => ({ params: { import: await make.import('uploading') }, file: 'id\n1\n' }),
  },
  'POST /imports/:import/start': {
    make: async (make) => ({
      params: { import: await make.import('ready') },
      body: { options: { segment: await make.manualSegment() } },
    }),
  },
  'POST /imports/:import/pause': importCommand,
  'POST /imports/:import/resume': importCommand,
  'POST /imports/:import/cancel': importCommand,
  'POST /imports/:import/undo': params(async (make) => ({ import: await make.import('done') })),
  'DELETE /imports/:import': params(async (make) => ({ import: await make.import('ready') })),
  'GET /imports/:import/rejects': params(async (make) => ({ import: await make.import('ready') })),
  'GET /imports/:import/rejects.csv': params(async (make) => ({ import: await make.import('ready') })),
}

const track = {
  id: 'reader-1',
  email: 'reader@example.com',
  event_name: 'Read',
  identity: { id: 'reader-1' },
}
const segmentCall = {
  userId: 'reader-1',
  event: 'Read',
  name: 'Home',
  groupId: 'g',
  previousId: 'r',
  anonymousId: 'a',
}
const operation = { type: 'person', action: 'identify', identifiers: { id: 'reader-1' } }

/** Of the routes outside of projects that are not open to anybody. `:key` goes where each API expects the key. */
export const otherSamples: Record<string, Sample> = {
  'GET /api/v1/session': plain,
  'PATCH /api/v1/session': body({ name: 'Reader' }),
  // A wrong password of today; without one it would be set.
  'PUT /api/v1/session/password': body({ newPassword: 'short' }, { status: 422 }),
  'GET /api/v1/projects': plain,
  'POST /api/v1/projects': {
    make: async ({ organization }) => ({ body: { name: 'More', organizationId: await organization() } }),
  },
  'GET /api/v1/queue': plain,

  'POST /v1/send/email': body({
    to: 'reader@example.com',
    from: 'Shop <shop@example.com>',
    subject: 'Hi',
    body: '<p>Hi',
    identifiers: { id: 'reader-1' },
  }),
  ...Object.fromEntries(
    ['users/track', 'users/edit', 'users/tags/edit', 'users/unsubscribe', 'users/resubscribe', 'users/delete']
      .concat('users/reidentify', 'events/track')
      .flatMap((path) => [path, `${path}.json`])
      .flatMap((path) =>
        ['POST', 'PUT', ...(path.startsWith('users/delete') ? ['DELETE'] : [])].map((method) => [
          `${method} /api/v2/${path}`,
          body({ ...track, changes: { plan: 'pro' }, add: ['vip'], new_id: 'reader-2' }),
        ]),
      ),
  ),
  ...Object.fromEntries(
    ['identify', 'track', 'page', 'screen', 'group', 'alias'].flatMap((type) =>
      [type, type[0]].map((path) => [`POST /v1/${path}`, body(segmentCall)]),
    ),
  ),
  ...Object.fromEntries(
    ['batch', 'b', 'import'].map((path) => [
      `POST /v1/${path}`,
      body({ batch: [{ ...segmentCall, type: 'track', timestamp: '2026-01-01T00:00:00Z' }] }),
    ]),
  ),
  'POST /beacon/v1/batch': body({
    batch: [{ ...segmentCall, type: 'track', timestamp: '2026-01-01T00:00:00Z' }],
  }),
  'GET /v1/projects/:key/settings': plain,
  'GET /sourceConfig': plain,
  'PUT /api/v1/customers/:id': { make: () => ({ params: { id: 'reader-1' }, body: { plan: 'pro' } }) },
  'DELETE /api/v1/customers/:id': params(async () => ({ id: 'reader-1' })),
  'POST /api/v1/customers/:id/events': {
    make: () => ({ params: { id: 'reader-1' }, body: { name: 'Read' } }),
  },
  'POST /api/v1/events': body({ name: 'Read', anonymous_id: 'a' }),
  'PUT /api/v1/customers/:id/devices': {
    make: () => ({ params: { id: 'reader-1' }, body: { device: { id: 'token', platform: 'ios' } } }),
  },
  'DELETE /api/v1/customers/:id/devices/:token': params(async () => ({ id: 'reader-1', token: 'token' })),
  'POST /api/v1/customers/:id/suppress': params(async () => ({ id: 'reader-1' })),
  'POST /api/v1/customers/:id/unsuppress': params(async () => ({ id: 'reader-1' })),
  'POST /api/v1/merge_customers': body({ primary: { id: 'reader-1' }, secondary: { id: 'reader-2' } }),
  'POST /api/v2/entity': body(operation),
  'POST /api/v2/batch': body({ batch: [operation] }),
  'GET /api/v1/accounts/region': plain,

  'GET /u/:token': params(async ({ link }) => ({ token: await link('unsubscribe') })),
  'POST /u/:token': params(async ({ link }) => ({ token: await link('unsubscribe') })),
  // A message of which only the row is here can't be shown any more.
  'GET /v/:token': params(async ({ link }) => ({ token: await link('view') })),
  'GET /api/v1/session/link': { status: 303, make: () => ({ query: { token: 'used' } }) },
  'GET /api/auth/*': { status: 200, make: () => ({ params: { '*': 'get-session' } }) },
  // From a page that does not say whose it is.
  'POST /api/auth/*': { status: 403, make: () => ({ params: { '*': 'sign-out' }, body: {} }) },
}

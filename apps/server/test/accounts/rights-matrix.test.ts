import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerFaults, checkedRoutes } from '../../../../testing/answers.ts'
import type { GuardedRoute } from '../../src/accounts/route-rights.ts'
import { buildHttpServer } from '../../src/http/server.ts'
import { type Caller, isRight, may, type Right, scopeOf } from '../../src/platform/rights.ts'
import { type Call, otherSamples, projectSamples, type Sample } from './rights-samples.ts'
import { type IdKind, type Maker, makerOf, snapshot, startWorld, type World } from './rights-world.ts'

/** Every route × everybody who may call it × another tenant's ids; and what is answered, against what is declared. */

const prefix = '/api/v1/projects/:project'
const callers = ['owner', 'admin', 'member', 'key'] as const satisfies Caller[]
const outsiders = ['trackingKey', 'orphan', 'stranger', 'otherKey', 'nobody'] as const
type Anybody = (typeof callers)[number] | (typeof outsiders)[number]

let world: World
let http: FastifyInstance
let ours: Maker
let theirs: Maker
/** What is not as it should be, all of it. */
let wrong: string[]

beforeAll(async () => {
  world = await startWorld()
  http = await buildHttpServer(world.server.app)
  ours = makerOf(world, world.ours)
  theirs = makerOf(world, world.theirs)
}, 120_000)
afterAll(async () => {
  await http?.close()
  await world?.server.close()
})

const inProjects = ({ right }: GuardedRoute) => isRight(right) && scopeOf(right) === 'project'
const isReading = ({ method }: GuardedRoute) => method === 'GET' || method === 'HEAD'
const nameOf = ({ method, url }: GuardedRoute) =>
  `${method === 'HEAD' ? 'GET' : method} ${url.replace(prefix, '') || '/'}`
const samplesOf = (route: GuardedRoute): Sample[] =>
  [(inProjects(route) ? projectSamples : otherSamples)[nameOf(route)] ?? []].flat()

interface Answer {
  status: number
  text: string
}

async function send(route: GuardedRoute, who: Anybody, call: Call): Promise<Answer> {
  const { server, sessions } = world
  const keys = {
    key: world.ours.secretKey,
    trackingKey: world.ours.trackingKey,
    otherKey: world.theirs.secretKey,
  } as Partial<Record<Anybody, string>>
  const key = keys[who]
  // Segment's settings want the key in the path.
  const params: Record<string, string | number> = {
    project: call.project ?? world.ours.id,
    key: key ?? 'none',
    ...call.params,
  }
  const path = route.url
    .replace('/*', `/${params['*'] ?? ''}`)
    .replace(/:(\w+)/g, (_, name) => encodeURIComponent(params[name] ?? `no ${name} in the sample`))
  const query = new URLSearchParams(
    Object.entries(call.query ?? {}).map(([name, value]) => [name, String(value)]),
  )
  // The Track API wants the key there.
  if (key && route.right === 'anyKey') query.set('auth_token', key)
  const address = `${path}?${query}`
  const headers = {
    ...(key && { authorization: `Bearer ${key}` }),
    ...(call.file !== undefined && { 'content-type': 'application/octet-stream' }),
  }
  const { method } = route
  if (who === 'nobody') world.tick(2_000)
  const client = who in sessions ? sessions[who as keyof typeof sessions] : undefined
  const ending = new AbortController()
  const response = client
    ? await client.fetch(address, { method, headers, body: call.file ?? call.body, signal: ending.signal })
    : await fetch(server.url + address, {
        method,
        redirect: 'manual',
        signal: ending.signal,
        headers: { ...(call.body !== undefined && { 'content-type': 'application/json' }), ...headers },
        body: call.file ?? (call.body === undefined ? undefined : JSON.stringify(call.body)),
      })
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    ending.abort()
    return { status: response.status, text: '' }
  }
  return { status: response.status, text: await response.text() }
}

const isGood = (status: number, { status: good }: Sample) =>
  good === undefined ? status >= 200 && status < 300 : status === good

function note(route: GuardedRoute, sample: Sample, who: string, answer: Answer, wanted: string) {
  const way = sample.name ? ` (${sample.name})` : ''
  const text = answer.text.slice(0, 300)
  wrong.push(`${route.method} ${route.url}${way} as ${who}: ${answer.status}, not ${wanted}. ${text}`)
}

function noteChanges(
  route: GuardedRoute,
  sample: Sample,
  who: string,
  before: Map<string, string>,
  after: Map<string, string>,
) {
  const changed = [...after.keys()].filter((table) => before.get(table) !== after.get(table))
  if (changed.length > 0)
    note(route, sample, who, { status: 0, text: changed.join() }, 'everything as before')
}

/** Makes what a sample asks for; the `foreign`th id is another tenant's. Answers how many ids there were. */
async function makeWith(sample: Sample, foreign: number | undefined): Promise<{ call: Call; ids: IdKind[] }> {
  const ids: IdKind[] = []
  let inside = 0
  const maker = new Proxy(ours, {
    get(own, name: IdKind | 'tenant') {
      if (name === 'tenant') return own.tenant
      const make = (of: Maker) => of[name] as (...args: never[]) => Promise<string | number>
      return async (...args: never[]) => {
        // What a maker makes on its way is its own business: only the sample's own wishes are counted.
        if (inside > 0) return make(own)(...args)
        const place = ids.push(name) - 1
        inside++
        try {
          return await make(place === foreign ? theirs : own)(...args)
        } finally {
          inside--
        }
      }
    },
  })
  return { call: await sample.make(maker), ids }
}

async function everybody(route: GuardedRoute, sample: Sample): Promise<void> {
  const right = sample.right ?? (route.right as Right)
  const { call } = await makeWith(sample, undefined)
  const before = await snapshot(world, world.ours)
  const refused = callers.filter((caller) => !may(caller, right))
  for (const who of refused) {
    const answer = await send(route, who, call)
    if (answer.status !== 403) note(route, sample, who, answer, '403')
  }
  for (const [who, status] of [
    ['trackingKey', 403],
    ['otherKey', 403],
    ['orphan', 404],
    ['stranger', 404],
    ['nobody', 401],
  ] as const) {
    const answer = await send(route, who, call)
    if (answer.status !== status) note(route, sample, who, answer, String(status))
    if (answer.text.includes(world.ours.mark))
      note(route, sample, who, answer, 'an answer without what is ours')
  }
  noteChanges(route, sample, 'somebody refused', before, await snapshot(world, world.ours))
  for (const who of callers.filter((caller) => may(caller, right))) {
    // What reads leaves its things for the next; what writes may have used them up.
    const again = isReading(route) ? call : (await makeWith(sample, undefined)).call
    const answer = await send(route, who, again)
    if (!isGood(answer.status, sample)) note(route, sample, who, answer, `${sample.status ?? 'good'}`)
  }
}

/** Each id in turn is another tenant's; whoever may do everything finds nothing and changes nothing. */
async function foreignIds(route: GuardedRoute, sample: Sample): Promise<number> {
  const { ids } = await makeWith(sample, undefined)
  for (const [place, kind] of ids.entries()) {
    const { call } = await makeWith(sample, place)
    const before = await snapshot(world, world.theirs)
    // Of a route that deletes projects, the id is the project itself.
    const status = call.project === undefined ? [404, 422] : [404]
    const answer = await send(route, 'owner', call)
    const fine = status.includes(answer.status) || (sample.narrows && isGood(answer.status, sample))
    if (!fine) note(route, sample, `owner with another tenant's ${kind}`, answer, status.join(' or '))
    if (answer.text.includes(world.theirs.mark))
      note(route, sample, `owner with another tenant's ${kind}`, answer, 'an answer without what is theirs')
    noteChanges(
      route,
      sample,
      `owner with another tenant's ${kind}`,
      before,
      await snapshot(world, world.theirs),
    )
  }
  return ids.length
}

describe('the samples', () => {
  it('are complete: a new route needs one, and every part of its path filled in', () => {
    const open = ({ url, right }: GuardedRoute) => right === 'public' && !url.includes(':')
    const without = http.guardedRoutes.filter((route) => !open(route) && samplesOf(route).length === 0)
    expect(without.map(nameOf), 'routes without a sample in rights-samples.ts').toEqual([])
  })

  it('are of routes that there are', () => {
    const known = new Set(http.guardedRoutes.map(nameOf))
    const names = [...Object.keys(projectSamples), ...Object.keys(otherSamples)]
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })
})

describe('routes of a project', () => {
  it('answer those who have the right, refuse everybody else, and tell and change nothing meanwhile', async () => {
    wrong = []
    const routes = http.guardedRoutes.filter(inProjects)
    expect(routes.length).toBeGreaterThan(120)
    for (const route of routes) for (const sample of samplesOf(route)) await everybody(route, sample)
    expect(wrong).toEqual([])
  }, 600_000)

  it("know nothing by another tenant's ids, in paths, queries and bodies", async () => {
    wrong = []
    let tried = 0
    // HEAD has the handler of GET, and tells less.
    const routes = http.guardedRoutes.filter((route) => inProjects(route) && route.method !== 'HEAD')
    for (const route of routes)
      for (const sample of samplesOf(route)) tried += await foreignIds(route, sample)
    expect(wrong).toEqual([])
    expect(tried).toBeGreaterThan(100)
  }, 600_000)
})

describe('other routes', () => {
  const of = (...rights: string[]) => http.guardedRoutes.filter(({ right }) => rights.includes(right))
  const expectAll = async (routes: GuardedRoute[], wanted: Partial<Record<Anybody, number | 'good'>>) => {
    wrong = []
    expect(routes.length).toBeGreaterThan(0)
    for (const route of routes)
      for (const sample of samplesOf(route))
        for (const [who, status] of Object.entries(wanted)) {
          const answer = await send(route, who as Anybody, (await makeWith(sample, undefined)).call)
          const fine = status === 'good' ? isGood(answer.status, sample) : answer.status === status
          if (!fine) note(route, sample, who, answer, String(status))
        }
    expect(wrong).toEqual([])
  }

  it('of the session need one; a key is none', () =>
    expectAll(of('signedIn'), {
      owner: 'good',
      member: 'good',
      orphan: 'good',
      key: 401,
      trackingKey: 401,
      nobody: 401,
    }))

  it('that create projects are for administrators of that organization', async () => {
    const who = {
      owner: 'good',
      admin: 'good',
      member: 403,
      orphan: 404,
      stranger: 404,
      key: 401,
      nobody: 401,
    }
    await expectAll(of('projects.create'), who as never)
  })

  it('of the installation are for administrators of its first organization', () =>
    expectAll(of('installation.read'), {
      owner: 'good',
      admin: 'good',
      member: 403,
      orphan: 403,
      stranger: 403,
      key: 401,
      nobody: 401,
    }))

  it('that take data in need a key, and a session is none', () =>
    expectAll(of('anyKey'), { key: 'good', trackingKey: 'good', owner: 401, nobody: 401 }))

  it('that send mail need a secret key', () =>
    expectAll(of('secretKey'), { key: 'good', trackingKey: 403, owner: 401, nobody: 401 }))

  it('to sign in answer everybody', () => expectAll(of('signIn'), { nobody: 'good' }))

  it('of links know them by their signature', async () => {
    for (const route of of('link')) {
      const [sample] = samplesOf(route)
      const { params } = (await makeWith(sample!, undefined)).call
      const [project, message, signature] = String(params!.token).split('.')
      const other = String((await makeWith(sample!, 0)).call.params!.token).split('.')
      expect((await send(route, 'nobody', { params })).status, route.url).not.toBe(500)
      for (const token of [
        [other[0], message, signature],
        [project, other[1], signature],
        [project, message, other[2]],
        [project, message, ''],
        [project, message],
      ])
        expect((await send(route, 'nobody', { params: { token: token.join('.') } })).status, route.url).toBe(
          404,
        )
    }
  })

  it('that are open answer without a credential, and never with an error of ours', async () => {
    for (const route of of('public')) {
      // fetch sends no TRACE.
      if (route.url.startsWith('/assets/') || route.method === 'TRACE') continue
      const { status } = await send(route, 'nobody', { params: { '*': 'nothing' } })
      // What falls through to an API's own route is refused by that one.
      if (!route.url.endsWith('/*')) expect([401, 403], `${route.method} ${route.url}`).not.toContain(status)
      expect(status, `${route.method} ${route.url}`).toBeLessThan(500)
    }
  })
})

describe('good answers', () => {
  const unseen = [
    // Their samples end in a refusal.
    'POST /providers/:provider/test',
    'POST /sending/confirm',
    'POST /sources/test',
    'PUT /api/v1/session/password',
    // Streams go past the hooks.
    'GET /live',
    'GET /people/:person/live',
  ]

  it('were seen of every route that declares one, and are as it declares', () => {
    const declaring = http.guardedRoutes.filter(
      (route) => route.method !== 'HEAD' && (inProjects(route) || route.right === 'signedIn'),
    )
    const missing = declaring.filter(({ method, url }) => !checkedRoutes.has(`${method} ${url}`))
    expect(missing.map(nameOf).sort()).toEqual(unseen.sort())
    expect(answerFaults).toEqual([])
  })
})

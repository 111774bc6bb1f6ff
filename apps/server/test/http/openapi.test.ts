import { Page } from '@fairway/api'
import Fastify from 'fastify'
import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerFaults } from '../../../../testing/answers.ts'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { ok, sendAsGiven } from '../../src/platform/http/answers.ts'

interface Described {
  responses: Record<string, { description: string; content?: Record<string, { schema?: object }> }>
}

let server: TestServer
let routes: [name: string, route: Described][]

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
  const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Described>>
  }
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]): [string, Described] => [
      `${method.toUpperCase()} ${path}`,
      route,
    ]),
  )
})
afterAll(() => server.close())

it('says of every route what it answers, or that it answers nothing', () => {
  expect(routes.length).toBeGreaterThan(150)
  const silent = routes.filter(([, { responses }]) => {
    const good = Object.entries(responses).filter(([status]) => status < '400')
    const told = good.filter(([, { content, description }]) =>
      content
        ? Object.values(content).every(({ schema }) => schema)
        : ['No content', 'See other'].includes(description),
    )
    return good.length === 0 || told.length < good.length
  })
  expect(silent.map(([name]) => name)).toEqual([])
})

it('has the members of an answer, with what they mean', () => {
  const [, { responses }] = routes.find(
    ([name]) => name.endsWith('/campaigns/{id}') && name.startsWith('GET'),
  )!
  expect(responses['200']).toMatchObject({
    description: 'OK',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: expect.arrayContaining(['id', 'state', 'conditions']),
          properties: { state: { enum: ['off', 'test', 'live'] } },
        },
      },
    },
  })
})

describe('an answer', () => {
  const Thing = Type.Object({ name: Type.String(), at: Type.Optional(Type.String({ format: 'date-time' })) })

  async function answer(thing: unknown) {
    const other = Fastify().setSerializerCompiler(sendAsGiven)
    other.get('/thing', { schema: { response: ok(Page(Thing)) } }, () => ({
      items: [thing],
      nextCursor: null,
    }))
    const { body } = await other.inject('/thing')
    return { body: JSON.parse(body), faults: answerFaults.splice(0) }
  }

  it('is sent as the handler gave it, whatever is declared', async () => {
    const thing = { name: 7, at: '2026-11-23T09:00:00Z', more: { deep: [1] } }
    expect((await answer(thing)).body.items).toEqual([thing])
  })

  it('that is as declared is no fault', async () => {
    expect((await answer({ name: 'A', at: new Date() })).faults).toEqual([])
  })

  it('with a member that is missing, undeclared or of another type is named with its route and place', async () => {
    const faults = async (thing: unknown) => (await answer(thing)).faults.join()
    expect(await faults({})).toMatch(/^GET \/thing, 200: .*items\/0.*name/s)
    expect(await faults({ name: 'A', more: 1 })).toMatch(/\/items\/0\/more .*found 1/)
    expect(await faults({ name: 'A', at: 'today' })).toMatch(/\/items\/0\/at .*date-time.*found "today"/)
    expect(await faults({ name: 7 })).toMatch(/\/items\/0\/name .*string.*found 7/)
  })
})

import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { guardRoutes } from '../../src/accounts/route-rights.ts'
import { buildHttpServer } from '../../src/http/server.ts'
import { type Caller, isRight, may, type Right, rights, whoMay } from '../../src/platform/rights.ts'

let server: TestServer
let http: FastifyInstance

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
  http = await buildHttpServer(server.app)
})
afterAll(async () => {
  await http.close()
  await server.close()
})

describe('a route', () => {
  const guarded = () => {
    const other = Fastify()
    guardRoutes(other, server.app)
    return other
  }
  const inProject = '/api/v1/projects/:project/things'

  test('without a declaration keeps the server from starting, and says what to do', () => {
    expect(() => guarded().get('/things', () => 'open')).toThrow(/GET \/things must declare .* right:/)
  })

  test('must not declare a right that nobody knows, nor a name that every object has', () => {
    for (const right of ['people.everything', 'toString', '__proto__', ''])
      expect(() => guarded().get(inProject, { config: { right: right as Right } }, () => 'open')).toThrow(
        /must declare/,
      )
  })

  test("of a project needs one of the project's rights, and only there can they be checked", () => {
    for (const right of ['public', 'signedIn', 'anyKey', 'projects.create'] as const)
      expect(() => guarded().get(inProject, { config: { right } }, () => 'open')).toThrow(/go together/)
    expect(() =>
      guarded().get('/api/v1/projects/:projectile', { config: { right: 'people.read' } }, () => 'open'),
    ).toThrow(/go together/)
  })

  test('that deletes is for administrators', () => {
    const deleting = http.guardedRoutes.filter(({ method, right }) => method === 'DELETE' && isRight(right))
    expect(deleting.length).toBeGreaterThan(10)
    for (const { url, right } of deleting) expect(may('member', right as Right), url).toBe(false)
  })

  test("says in the API's description what it needs", async () => {
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { description: string }>>
    }
    for (const { method, url, right } of http.guardedRoutes) {
      const described = paths[url.replace(/\/$/, '').replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
      if (!described || method === 'HEAD') continue
      const needs = isRight(right) ? `Needs the right \`${right}\`: ${whoMay(right)}.` : 'Open to '
      expect(described.description, url).toContain(needs)
      expect(described.description.split(needs), 'said once').toHaveLength(2)
    }
  })
})

test('every right is asked for somewhere', () => {
  const asked = new Set(http.guardedRoutes.map(({ right }) => right))
  const onlyInBodies: Right[] = ['keys.secret']
  expect(Object.keys(rights).filter((right) => !asked.has(right as Right))).toEqual(onlyInBodies)
})

test('docs/security.md shows the table as it is', async () => {
  const callers: Caller[] = ['owner', 'admin', 'member', 'key']
  const cells = (right: Right) => callers.map((caller) => (may(caller, right) ? 'yes' : '')).join(' | ')
  const lines = Object.entries(rights).map(
    ([right, { what }]) => `| \`${right}\` | ${what} | ${cells(right as Right)} |`,
  )
  const docs = await readFile(new URL('../../../../docs/security.md', import.meta.url), 'utf8')
  expect(docs.replace(/ +\|/g, ' |')).toContain(lines.join('\n').replace(/ +\|/g, ' |'))
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../testing/server.ts'
import { documents, snippetsOf } from '../../../testing/snippets/markdown.ts'
import { runTypeScript } from '../../../testing/snippets/run.ts'

/** The blocks of the README are one program, which does what it says on a real server. */

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.close())

it('the README does what it says', async () => {
  const { pool } = server.app
  await pool.query(
    `with template as (insert into templates (project_id, name, subject, html) values ($1, 'T', 'Hi', '<p>Hi') returning id)
     insert into campaigns (project_id, name, trigger_event, folded_trigger, template_id)
     select $1, 'Thanks', 'Bought', 'bought', id from template`,
    [server.projectId],
  )
  const blocks = documents('packages/client/')
    .flatMap(snippetsOf)
    .filter(({ language }) => language)
  expect(blocks.length).toBeGreaterThan(3)
  expect(blocks.map(({ language }) => language)).toEqual(blocks.map(() => 'ts'))
  const program = [...blocks.map(({ text }) => text), 'console.log(state)'].join('\n')
  const output = await runTypeScript(program, {
    FAIRWAY_URL: server.url,
    FAIRWAY_PROJECT: String(server.projectId),
    FAIRWAY_SECRET: server.secretKey,
  })
  expect(output).toContain('Thanks off 0 of 0')
  expect(output).toContain('422 invalid_field timezone')
  expect(output).toMatch(/^(pending|claimed|sent)$/m)
  const { rows } = await pool.query('select address, reason from suppressions where project_id = $1', [
    server.projectId,
  ])
  expect(rows).toEqual([{ address: 'gone@example.com', reason: 'asked by phone' }])
})

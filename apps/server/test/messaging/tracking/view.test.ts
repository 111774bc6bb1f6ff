import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { permalinkUrl } from '../../../src/messaging/messages/links.ts'
import { addMessages, addPerson, addTemplate } from '../messages/support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
})
afterAll(() => server.close())

const view = async (id: string) => {
  const reply = await fetch(server.url + new URL(permalinkUrl(server.app, server.projectId, id)).pathname)
  return { status: reply.status, html: await reply.text() }
}

test('a link opened many times is rendered once, and again when what it is made of changed', async () => {
  const { app, projectId } = server
  const templateId = await addTemplate(app, projectId, { html: 'one {% random 1000000000 %}' })
  const input = { to: ['a@x.example'] }
  const [id, another] = await addMessages(app, projectId, [
    { templateId, input },
    { templateId, input },
  ])
  const views = await Promise.all(Array.from({ length: 10 }, () => view(id!)))
  views.push(await view(id!))
  expect(views[0]).toMatchObject({ status: 200, html: expect.stringMatching(/^one \d+$/) })
  expect(new Set(views.map(({ html }) => html)).size).toBe(1)
  expect((await view(another!)).html).not.toBe(views[0]!.html)

  await app.pool.query(`update templates set html = 'two' where project_id = $1`, [projectId])
  expect((await view(id!)).html).toBe('two')
})

test('the largest view is kept, too, and a change of the person shows', async () => {
  const { app, projectId } = server
  const templateId = await addTemplate(app, projectId, {
    html: `{{ user.name }} {% random 1000000000 %} {% for n in (1..4) %}${'x'.repeat(990_000)}{% endfor %}`,
  })
  const personId = await addPerson(app, projectId, { email: 'p@x.example', properties: { name: 'Ada' } })
  const [id] = await addMessages(app, projectId, [{ templateId, personId, input: { to: ['p@x.example'] } }])
  const first = await view(id!)
  expect(first.html).toMatch(/^Ada \d+ x/)
  expect((await view(id!)).html === first.html).toBe(true)
  await app.pool.query(
    `update people set properties = '{"name": "Grace"}' where project_id = $1 and id = $2`,
    [projectId, personId],
  )
  expect((await view(id!)).html).toMatch(/^Grace \d+ x/)
})

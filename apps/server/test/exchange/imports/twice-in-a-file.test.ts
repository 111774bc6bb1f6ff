import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Importer, startImporter } from './support.ts'

let server: Importer
beforeAll(async () => {
  server = await startImporter()
})
afterAll(() => server.close())

it('a person who is there twice in a file is created once, and updated by the row that says something else', async () => {
  const file = [
    'id,email,plan,note',
    'z1,z@x.example,a,first',
    'z1,z@x.example,b,second',
    'z1,z@x.example,b,second',
  ]
  const mapping = {
    id: { to: 'id' },
    email: { to: 'email' },
    plan: { to: 'property:plan' },
    note: { to: 'property:note' },
  }
  const done = await server.run(file.join('\n'), {}, { mapping })
  expect(done.counts).toEqual({
    rows: 3,
    created: 1,
    updated: 1,
    unchanged: 1,
    optedOut: 0,
    rejected: 0,
    skipped: 1,
  })
})

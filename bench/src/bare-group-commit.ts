/**
 * The least that a durable ingestion server can do: fastify, and one INSERT for all requests that arrived during the last
 * commit. No keys, no checks, no people, no queue. The yardstick of the `ingest` bench.
 */
import fastify from 'fastify'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.argv[2], max: 4 })
await pool.query(
  'create table if not exists bare (id bigint generated always as identity primary key, body text not null)',
)

let waiting: { body: string; done: () => void }[] = []
let committing = false
async function commit(): Promise<void> {
  committing = true
  while (waiting.length > 0) {
    const group = waiting
    waiting = []
    await pool.query({
      name: 'bare',
      text: 'insert into bare (body) select unnest($1::text[])',
      values: [group.map(({ body }) => body)],
    })
    for (const { done } of group) done()
  }
  committing = false
}
const store = (body: string) =>
  new Promise<void>((done) => {
    waiting.push({ body, done })
    if (!committing) setImmediate(commit)
    committing = true
  })

const server = fastify()
server.post('/track', async (request) => {
  await store(JSON.stringify(request.body))
  return { success: true }
})
server.post('/batch', async (request) => {
  await Promise.all((request.body as { batch: unknown[] }).batch.map((event) => store(JSON.stringify(event))))
  return { success: true }
})
await server.listen({ port: Number(process.argv[3]), host: '127.0.0.1' })
process.send!('ready')
process.on('SIGTERM', () => process.exit(0))

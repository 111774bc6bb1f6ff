/**
 * Accepting events over HTTP, next to a bare fastify server that only group-commits to the same PostgreSQL. Both are
 * processes of their own; the load generator is a third. `accept` measures acceptance alone (role `api`); `beside full work`
 * with the worker process working off what comes in on the same two cores.
 */
import autocannon from 'autocannon'
import { closeAll, createProject, freePort, startFairway, startPostgres, startProcess } from './machines.ts'
import { option, pairedRow, quick, report, runs } from './report.ts'

const seconds = option('seconds', quick ? 2 : 6)
const connections = 100

const event = (n: number) => ({
  userId: `user-${n % 5_000}`,
  event: 'Purchased item',
  properties: { sku: `sku-${n % 97}`, price: 19.99, currency: 'EUR', campaign: 'spring', position: n % 7 },
  timestamp: new Date().toISOString(),
})

async function load(url: string, headers: Record<string, string>, body: () => string) {
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    setupClient: (client) => {
      client.setBody(body())
      client.on('response', () => client.setBody(body()))
    },
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} refused, ${result.errors} errors`)
  return { rate: result['2xx'] / result.duration, p50: result.latency.p50, p99: result.latency.p99 }
}

const postgres = await startPostgres()
let counter = 0
const single = () => JSON.stringify({ ...event(counter), messageId: `m-${process.pid}-${counter++}` })
const vero = () => {
  const { userId, event: name, properties } = event(counter)
  return JSON.stringify({ identity: { id: userId }, event_name: name, data: { ...properties, n: counter++ } })
}
// Made beforehand: writing 100 events costs the generator more than accepting them costs a server, and both share two cores.
const batches100 = Array.from({ length: 500 }, () =>
  JSON.stringify({
    batch: Array.from({ length: 100 }, () => ({
      type: 'track',
      ...event(counter),
      messageId: `m-${process.pid}-${counter++}`,
    })),
  }),
)
const batch = () => batches100[counter++ % batches100.length]!

try {
  const bareDatabase = await postgres.database('bare')
  const ourDatabase = await postgres.database('fairway_ingest')
  const { trackingKey } = await createProject(ourDatabase, 'bench')
  const key = { authorization: `Basic ${Buffer.from(`${trackingKey}:`).toString('base64')}` }
  const port = await freePort()
  await startProcess('./bare-group-commit.ts', [bareDatabase, String(port)])
  const bare = `http://127.0.0.1:${port}`

  const singles = []
  const veros = []
  const batches = []
  const latencies = []
  let fairway = await startFairway(ourDatabase, { FAIRWAY_ROLE: 'api' })
  await load(`${fairway.url}/v1/track`, key, single)
  await load(`${bare}/track`, {}, single)
  for (let run = 0; run < runs; run++) {
    const peer = await load(`${bare}/track`, {}, single)
    const ours = await load(`${fairway.url}/v1/track`, key, single)
    const track = await load(`${fairway.url}/api/v2/events/track?tracking_api_key=${trackingKey}`, {}, vero)
    singles.push({ ours: ours.rate, peer: peer.rate })
    veros.push({ ours: track.rate, peer: peer.rate })
    latencies.push({ ours: ours.p50, peer: peer.p50 })
    const peerBatch = await load(`${bare}/batch`, {}, batch)
    const ourBatch = await load(`${fairway.url}/v1/batch`, key, batch)
    batches.push({ ours: ourBatch.rate * 100, peer: peerBatch.rate * 100 })
  }
  await fairway.stop()

  const busy = []
  const busyDatabase = await postgres.database('fairway_busy')
  const { trackingKey: busyKey } = await createProject(busyDatabase, 'bench')
  const busyHeaders = { authorization: `Basic ${Buffer.from(`${busyKey}:`).toString('base64')}` }
  fairway = await startFairway(busyDatabase)
  for (let run = 0; run < runs; run++) {
    const peer = await load(`${bare}/track`, {}, single)
    const ours = await load(`${fairway.url}/v1/track`, busyHeaders, single)
    busy.push({ ours: ours.rate, peer: peer.rate })
  }
  const memory = fairway.memory()

  report('ingest', [
    pairedRow('accept, 1 event a request (Segment)', 'requests/s', singles, 'bare fastify + group commit', {
      ratio: 0.75,
    }),
    pairedRow('accept, 1 event a request (Track API)', 'requests/s', veros, 'bare fastify + group commit', {
      ratio: 0.75,
    }),
    pairedRow('latency p50 at 100 connections', 'ms', latencies, 'bare fastify + group commit'),
    pairedRow('accept, 100 events a request', 'events/s', batches, 'bare fastify + group commit', {
      atLeast: 120_000,
    }),
    pairedRow('beside full work, 1 event a request', 'requests/s', busy, 'bare fastify + group commit', {
      ratio: 0.6,
    }),
    pairedRow('memory of all processes after the load', 'MB', [{ ours: memory }], null, {
      atMost: 350,
    }),
  ])
} finally {
  await closeAll()
}

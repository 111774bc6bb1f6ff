import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Project } from './tenant.ts'

/**
 * A process of its own, so that what the suite sends does not slow down what it measures: asks for the heartbeat, and does
 * what the second tenant does, over and over. Reports what it saw whenever it is asked.
 */
const { url, project } = JSON.parse(process.argv[2]!) as { url: string; project: Project }
const { hostname, port } = new URL(url)
const bearer = { authorization: `Bearer ${project.secretKey}` }
const maxMs = 60_000

export interface Seen {
  /** Times of the answers in milliseconds, and how many were not answered as they should be. */
  probes: Record<'heartbeat' | 'track' | 'people', { times: number[]; missed: number }>
  /** As the server reports it: how long its loop was held at most, and its memory. Absent when it reports none. */
  loopMs?: number
  rssBytes?: number
}

const nothing = (): Seen => ({
  probes: {
    heartbeat: { times: [], missed: 0 },
    track: { times: [], missed: 0 },
    people: { times: [], missed: 0 },
  },
})
let seen = nothing()

function ask(method: string, path: string, headers = {}, body?: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const sending = request({ host: hostname, port, method, path, headers, timeout: maxMs }, (reply) => {
      let text = ''
      reply.setEncoding('utf8').on('data', (chunk) => (text += chunk))
      reply.on('end', () => resolve(reply.statusCode === 200 ? text : undefined))
      reply.on('error', () => resolve(undefined))
    })
    sending.on('timeout', () => sending.destroy())
    sending.on('error', () => resolve(undefined))
    sending.end(body)
  })
}

async function probe(name: keyof Seen['probes'], everyMs: number, run: () => Promise<string | undefined>) {
  for (;;) {
    const from = performance.now()
    const answered = (await run()) !== undefined
    if (answered) seen.probes[name].times.push(performance.now() - from)
    else seen.probes[name].missed++
    await sleep(everyMs)
  }
}

/** `nodejs_eventloop_lag_max_seconds` is the longest since it was last asked for, on top of its resolution of 10 ms. */
async function readMetrics() {
  for (;;) {
    const text = await ask('GET', '/metrics')
    const lag = largest(text, 'nodejs_eventloop_lag_max_seconds')
    const memory = largest(text, 'process_resident_memory_bytes')
    if (lag !== undefined) seen.loopMs = Math.max(seen.loopMs ?? 0, lag * 1_000 - 10)
    if (memory !== undefined) seen.rssBytes = Math.max(seen.rssBytes ?? 0, memory)
    await sleep(250)
  }
}

/** Several processes may each have a line, with labels. */
function largest(text: string | undefined, name: string): number | undefined {
  const values = text
    ?.split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)))
  return values?.length ? Math.max(...values) : undefined
}

let events = 0
const event = () =>
  JSON.stringify({ identity: { id: 'quiet' }, event_name: 'Was here', data: { number: ++events } })
const json = { 'content-type': 'application/json' }
void probe('heartbeat', 20, () => ask('GET', '/heartbeat'))
void probe('track', 50, () =>
  ask('POST', `/api/v2/events/track?tracking_api_key=${project.trackingKey}`, json, event()),
)
void probe('people', 100, () => ask('GET', `/api/v1/projects/${project.id}/people?limit=20`, bearer))
void readMetrics()

process.on('message', () => {
  process.send!(seen)
  seen = nothing()
})
process.on('disconnect', () => process.exit(0))

import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { App } from '../platform/app.ts'
import type { ProcessState } from '../platform/processes/messages.ts'
import { measureQueue } from './queue-metrics.ts'

/**
 * `/metrics` for Prometheus. Labels are bounded: routes by their pattern, lanes by name, at most ten projects by id, never people.
 */
export function serveMetrics(server: FastifyInstance, app: App): void {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  measureRequests(server, registry)
  measureQueue(app, registry)
  measureJobs(app, registry)
  measureProcesses(app, registry)
  measureDatabase(app, registry)

  server.get('/metrics', { config: { right: 'public' }, schema: { hide: true } }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
}

function measureRequests(server: FastifyInstance, registry: Registry): void {
  const duration = new Histogram({
    name: 'fairway_http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its reply',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  server.addHook('onResponse', (request, reply, done) => {
    done()
    // Unknown paths have no pattern: one label for all of them.
    const route = request.routeOptions.url ?? 'unknown'
    const status = `${Math.floor(reply.statusCode / 100)}xx`
    duration.observe({ method: request.method, route, status }, reply.elapsedTime / 1_000)
  })
}

/** Of this process and, under a supervisor, of its worker. */
function measureJobs(app: App, registry: Registry): void {
  const counter = (name: string, help: string, labelNames: string[], fill: (counter: Counter) => void) =>
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        fill(this)
      },
    })
  counter('fairway_jobs_total', 'Jobs that handlers ended', ['lane', 'job', 'outcome'], (jobs) => {
    for (const { lane, job, done, failed } of app.jobCounts.read()) {
      jobs.inc({ lane, job, outcome: 'done' }, done)
      jobs.inc({ lane, job, outcome: 'failed' }, failed)
    }
  })
  counter('fairway_job_seconds_total', 'Time spent in handlers', ['lane', 'job'], (time) => {
    for (const { lane, job, serviceMs } of app.jobCounts.read()) time.inc({ lane, job }, serviceMs / 1_000)
  })
}

/** Of all processes under this one's supervisor; without a supervisor there are none, and Node's own metrics say it. */
function measureProcesses({ processes }: App, registry: Registry): void {
  const gauge = (name: string, help: string, read: (state: ProcessState) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['role'],
      registers: [registry],
      collect() {
        this.reset()
        for (const state of processes.states) {
          const value = read(state)
          if (value !== undefined) this.set({ role: state.role }, value)
        }
      },
    })
  gauge(
    'fairway_process_up',
    '1 while the process does its work, 0 while it is being replaced',
    ({ state }) => (state === 'running' ? 1 : 0),
  )
  gauge(
    'fairway_process_replaced',
    'Times that the process hung or died and was replaced',
    ({ replaced }) => replaced,
  )
  gauge(
    'fairway_process_resident_bytes',
    'Memory of the process, pages shared with others included',
    ({ vitals }) => vitals?.residentBytes,
  )
  gauge(
    'fairway_process_loop_delay_seconds',
    'Longest delay of its event loop in the last quarter of a second',
    ({ vitals }) => vitals?.loopDelaySeconds,
  )
  new Gauge({
    name: 'fairway_stand_back_share',
    help: 'Share of the time that work which yields leaves to accepting, 0 to 1',
    registers: [registry],
    collect() {
      this.set(processes.standBackShare)
    },
  })
}

function measureDatabase({ pool }: App, registry: Registry): void {
  new Gauge({
    name: 'fairway_database_connections',
    help: 'Connections of the pool, and requests that wait for one',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.set({ state: 'idle' }, pool.idleCount)
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount)
      this.set({ state: 'wanted' }, pool.waitingCount)
    },
  })
}

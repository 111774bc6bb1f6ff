import { type BatchContext, type Job, Snooze } from '@fairway/queue'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import type {
  DeleteItem,
  EventItem,
  IdentifyItem,
  IngestItem,
  MergeItem,
  PersonRef,
} from '../../src/audience/items/item.ts'
import { processItems } from '../../src/ingest/process.ts'

/** 2026-06-01, a moment in the middle of everything. */
export const start = Date.UTC(2026, 5, 1, 12)

export interface Bench extends TestServer {
  /** Hands items to the handler as one batch; job ids grow. Returns the jobs, for redelivery. */
  process(...items: IngestItem[]): Promise<Job<IngestItem>[]>
  redeliver(jobs: Job<IngestItem>[]): Promise<Job[]>
  rows<T = Record<string, unknown>>(sql: string, ...values: unknown[]): Promise<T[]>
  /** A project of its own, so that tests of one file don't meet. */
  newProject(): Promise<Bench>
}

let jobCount = 0

/** The server without its workers, and the handler called as the queue would. */
export async function startBench(now: () => Date = () => new Date(start + 3_600_000)): Promise<Bench> {
  return toBench(await startTestServer({ config: { role: 'api' }, now }))
}

function toBench(server: TestServer): Bench {
  const handler = processItems(server.app)
  const tenant = String(server.projectId)
  const bench: Bench = {
    ...server,
    async process(...items) {
      const jobs = items.map((data) => toJob(tenant, data))
      await handler(jobs, context())
      return jobs
    },
    async redeliver(jobs) {
      const { retried, ...rest } = context()
      await handler(jobs, rest)
      return retried
    },
    async rows<T>(sql: string, ...values: unknown[]) {
      return (await server.app.pool.query(sql, values)).rows as T[]
    },
    async newProject() {
      const [row] = await bench.rows<{ id: number }>(
        `insert into projects (name) values ('Another') returning id`,
      )
      return toBench({ ...server, projectId: row!.id })
    },
  }
  return bench
}

export const toJob = (tenant: string, data: IngestItem): Job<IngestItem> => ({
  id: `job${String(++jobCount).padStart(10, '0')}`,
  lane: 'ingest',
  tenant,
  name: 'item',
  data,
  attempt: 1,
  readyAt: data?.acceptedAt ?? start,
  firstAt: data?.acceptedAt ?? start,
})

export function context(): BatchContext & { retried: Job[] } {
  const retried: Job[] = []
  return {
    signal: new AbortController().signal,
    retried,
    retry: (job) => void retried.push(job),
    snooze: () => {},
    bury: () => {},
    progress: () => {},
    rateLimited: (ms) => new Snooze(ms),
    waitFor: (work) => work(),
    together: (parts) => Promise.all(parts.map((part) => part())),
  }
}

const ref = (person: string | PersonRef): PersonRef => (typeof person === 'string' ? { id: person } : person)
const common = (person: string | PersonRef, at: number) => ({
  person: ref(person),
  at: start + at,
  acceptedAt: start + at,
  source: 'test',
})

/** Items of time `at`, ms after {@link start}. */
export const identify = (
  person: string | PersonRef,
  at: number,
  rest: Partial<Omit<IdentifyItem, 'kind'>> = {},
): IdentifyItem => ({ kind: 'identify', ...common(person, at), ...rest })

export const event = (
  person: string | PersonRef,
  at: number,
  rest: Partial<Omit<EventItem, 'kind'>> = {},
): EventItem => ({ kind: 'event', ...common(person, at), name: 'Did it', properties: {}, ...rest })

export const merge = (from: string | PersonRef, into: string | PersonRef, at: number): MergeItem => ({
  kind: 'merge',
  ...common(into, at),
  from: ref(from),
})

export const remove = (person: string | PersonRef, at: number): DeleteItem => ({
  kind: 'delete',
  ...common(person, at),
})

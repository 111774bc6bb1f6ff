/**
 * A live move of a backlog from PostgreSQL to DynamoDB Local and back, while urgent work of other tenants comes and goes.
 * `--jobs 200000` of the backlog, 100 tenants, pages of 50; `--runs 3`. DynamoDB Local keeps everything in memory on this
 * same machine: its rates say nothing of AWS's.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, type MovableStore, movableStore, postgresStore, type Queue } from '@fairway/queue'
import { dynamodbStore } from '@fairway/queue/dynamodb'
import { startDynamodb } from '../../testing/dynamodb.ts'
import { atEnd, closeAll, startPostgres } from './machines.ts'
import { percentile } from './queue/statistics.ts'
import { option, pairedRow, quick, report } from './report.ts'

const jobs = option('jobs', quick ? 20_000 : 200_000)
const rounds = option('runs', quick ? 1 : 3)
const tenants = 100
const perPage = 50
const urgentEveryMs = 20
const idleMs = 5_000
const data = 'x'.repeat(200)

interface Leg {
  perSecond: number
  seconds: number
  urgentP99: number
  maxAddMs: number
}

/** One urgent job after the other: how long each took to be added, and until it ran. */
class Urgent {
  readonly #queue: Queue
  readonly #startedAt = new Map<string, number>()
  #waits: number[] = []
  #adds: number[] = []
  #added = 0
  ran = 0
  running = true

  constructor(queue: Queue) {
    this.#queue = queue
    queue.worker({ urgent: ({ id }) => this.#end(id) }, { lanes: { urgent: {} } })
  }

  async run(): Promise<void> {
    while (this.running) {
      const id = `u${++this.#added}`
      const startedAt = performance.now()
      this.#startedAt.set(id, startedAt)
      await this.#queue.add({
        lane: 'urgent',
        tenant: `q${this.#added % 20}`,
        name: 'urgent',
        id,
        data: null,
      })
      this.#adds.push(performance.now() - startedAt)
      await sleep(urgentEveryMs)
    }
    while (this.ran < this.#added) await sleep(5)
  }

  /** Since it was asked last. */
  take() {
    const taken = { p99: percentile(this.#waits, 99), longestAddMs: Math.max(...this.#adds) }
    this.#waits = []
    this.#adds = []
    return taken
  }

  #end(id: string): void {
    this.ran++
    this.#waits.push(performance.now() - this.#startedAt.get(id)!)
    this.#startedAt.delete(id)
  }
}

async function leg(store: MovableStore, urgent: Urgent, target: string): Promise<Leg> {
  urgent.take()
  await store.move(target)
  const startedAt = performance.now()
  // The backlog is through when so much was moved: the end of the move waits for latecomers for some seconds more.
  while ((await store.moveProgress()).moved < jobs) await sleep(50)
  const seconds = (performance.now() - startedAt) / 1_000
  while ((await store.moveProgress()).phase !== 'steady') await sleep(50)
  const { p99, longestAddMs } = urgent.take()
  return { perSecond: jobs / seconds, seconds, urgentP99: p99, maxAddMs: longestAddMs }
}

async function round(url: string, endpoint: string, n: number) {
  const store = movableStore({
    stores: {
      postgres: postgresStore({ connectionString: url }),
      dynamodb: dynamodbStore({ table: `move-${n}`, endpoint }),
    },
    connectionString: url,
  })
  const queue = createQueue({ store })
  await queue.migrate()
  for (let at = 0; at < jobs; at += perPage * 20)
    await queue.addMany(
      Array.from({ length: perPage * 20 }, (_, k) => ({
        ...{
          lane: 'bulk',
          tenant: `t${(at / perPage + Math.floor(k / perPage)) % tenants}`,
          name: 'job',
          data,
        },
      })),
    )
  const urgent = new Urgent(queue)
  const running = urgent.run()
  await sleep(idleMs)
  const { p99: idle } = urgent.take()
  const there = await leg(store, urgent, 'dynamodb')
  const inDynamodb = await store.remaining()
  const back = await leg(store, urgent, 'postgres')
  urgent.running = false
  await running
  // The last urgent ones are settled a moment after they ran.
  await sleep(1_000)
  const left = await store.remaining()
  await queue.close()
  return { idle, there, back, wrong: Math.abs(inDynamodb - jobs) > 100 ? 1 : 0, lost: jobs - left }
}

const postgres = await startPostgres()
const dynamodb = await startDynamodb()
atEnd(() => dynamodb.stop())
try {
  const results: Awaited<ReturnType<typeof round>>[] = []
  for (let n = 0; n < rounds; n++) {
    results.push(await round(await postgres.database(`move${n}`), dynamodb.endpoint, n))
    console.log(JSON.stringify(results.at(-1)))
  }
  const row = (
    what: string,
    unit: string,
    pick: (one: (typeof results)[number]) => number,
    atMost?: number,
  ) =>
    pairedRow(
      what,
      unit,
      results.map((one) => ({ ours: pick(one) })),
      null,
      atMost === undefined ? undefined : { atMost },
    )
  report(
    'queue-move',
    [
      row('PostgreSQL to DynamoDB Local', 'jobs/s', ({ there }) => there.perSecond),
      row('DynamoDB Local to PostgreSQL', 'jobs/s', ({ back }) => back.perSecond),
      row('urgent jobs, add to run, p99: nothing moves', 'ms', ({ idle }) => idle),
      row('the same on the way to DynamoDB', 'ms', ({ there }) => there.urgentP99),
      row('the same on the way back', 'ms', ({ back }) => back.urgentP99),
      row('longest add on the way to DynamoDB', 'ms', ({ there }) => there.maxAddMs),
      row('longest add on the way back', 'ms', ({ back }) => back.maxAddMs),
      row('jobs lost or doubled', 'jobs', ({ lost, wrong }) => Math.abs(lost) + wrong, 0),
    ],
    { jobs, rounds },
  )
} finally {
  await closeAll()
}

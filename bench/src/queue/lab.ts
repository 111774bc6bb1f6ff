import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import { startPostgres, startProcess } from '../machines.ts'
import { startRedis } from './redis.ts'
import { type Kind, usesRedis } from './system.ts'
import type { tasks } from './tasks.ts'

type Tasks = typeof tasks
type Input<Name extends keyof Tasks> = Parameters<Tasks[Name]>[1]
type Output<Name extends keyof Tasks> = Awaited<ReturnType<Tasks[Name]>>

/** A system under test in a process of its own, on a store of its own. */
export interface Subject {
  kind: Kind
  readonly pid: number
  /** Of its store: the database, or Redis. */
  url: string
  /** The process that keeps its store: the postmaster, or Redis. */
  storePid: number
  run<Name extends keyof Tasks>(name: Name, input?: Input<Name>): Promise<Output<Name>>
  /** Has PostgreSQL write what earlier work left dirty, and count what is there, so that every measurement starts alike. */
  settle(): Promise<void>
  /** Throws when the store does not hold exactly what was added. */
  expectStored(jobs: number): Promise<void>
  /** Another process on the same store. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Starts systems under test. One PostgreSQL, with a new database for each; a new Redis for each. */
export class Lab {
  readonly #postgres: Awaited<ReturnType<typeof startPostgres>>
  #databases = 0

  static async open(): Promise<Lab> {
    return new Lab(await startPostgres())
  }

  private constructor(postgres: Awaited<ReturnType<typeof startPostgres>>) {
    this.#postgres = postgres
  }

  async start(kind: Kind): Promise<Subject> {
    const store = usesRedis(kind) ? await this.#redis(kind) : await this.#database()
    const process = new SubjectProcess(kind, store.url)
    await process.start()
    return {
      kind,
      get pid() {
        return process.pid
      },
      url: store.url,
      storePid: store.pid,
      run: (name, input) => process.run(name, input),
      settle: store.settle,
      async expectStored(jobs) {
        const stored = await process.run('left')
        if (stored !== jobs) throw new Error(`${kind} holds ${stored} jobs of ${jobs} that were added`)
      },
      async restart() {
        await process.end()
        await process.start()
      },
      async close() {
        await process.end()
        await store.drop()
      },
    }
  }

  /** Starts a system, works with it, and ends it. */
  async with<Result>(kind: Kind, work: (subject: Subject) => Promise<Result>): Promise<Result> {
    const subject = await this.start(kind)
    const result = await work(subject)
    await subject.close()
    return result
  }

  async #redis(kind: Kind) {
    const redis = await startRedis(kind === 'bullmq-always' ? 'always' : 'everysec')
    return { url: redis.url, pid: redis.pid, settle: async () => {}, drop: () => redis.stop() }
  }

  async #database() {
    const name = `queue_${this.#databases++}`
    const url = await this.#postgres.database(name)
    const query = async (connectionString: string, text: string) => {
      const client = new pg.Client({ connectionString })
      await client.connect()
      await client.query(text)
      await client.end()
    }
    return {
      url,
      pid: this.#postgres.pid,
      async settle() {
        await query(url, 'vacuum analyze')
        await query(url, 'checkpoint')
      },
      drop: () => query(this.#postgres.url, `drop database ${name} with (force)`),
    }
  }
}

class SubjectProcess {
  readonly #kind: Kind
  readonly #url: string
  #child!: ChildProcess
  #ended!: Promise<never>

  constructor(kind: Kind, url: string) {
    this.#kind = kind
    this.#url = url
  }

  get pid(): number {
    return this.#child.pid!
  }

  async start(): Promise<void> {
    const { child } = await startProcess<'ready'>('./queue/subject.ts', [this.#kind, this.#url])
    this.#child = child
    this.#ended = once(child, 'exit').then(() => {
      throw new Error(`the process of ${this.#kind} ended in the middle of a task`)
    })
    this.#ended.catch(() => {})
  }

  async run<Name extends keyof Tasks>(name: Name, input?: Input<Name>): Promise<Output<Name>> {
    this.#child.send({ name, input })
    const [reply] = await Promise.race([once(this.#child, 'message'), this.#ended])
    if (reply.error) throw new Error(`${this.#kind}: ${reply.error}`)
    return reply.output
  }

  async end(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.disconnect()
    await exit
  }
}

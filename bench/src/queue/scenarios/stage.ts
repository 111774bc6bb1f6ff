import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, postgresStore, type Queue } from '@fairway/queue'
import { atEnd, type Postgres, residentMegabytes, startProcess } from '../../machines.ts'
import { clock } from '../crash-log.ts'
import type { Death } from '../crash-verdict.ts'
import { numbersPerSource } from './jobs.ts'
import { quietSource, type Scenario, type Source, slots, slotsPerWorker, workers } from './scenario.ts'
import { patienceSeconds } from './sizes.ts'
import type { Settings } from './worker.ts'

const memoryEveryMs = 250
const pollMs = 50

export interface Played {
  source: Source
  /** Number of its first job. */
  first: number
  /** By {@link clock}; when all its jobs are due at the same moment. */
  dueAt?: number
}

interface Actor {
  child: ChildProcess
  /** Resolves with how many jobs were stored. */
  done: Promise<number>
}

/** The processes of one scenario: producers, workers, and a database of its own. */
export class Stage {
  readonly logs = mkdtempSync(join(tmpdir(), 'fairway-bench-scenario-'))
  readonly deaths: Death[] = []
  readonly memory: { at: number; megabytes: number }[] = []
  readonly sources: Played[]
  readonly queue: Queue
  readonly #postgres: Postgres
  readonly #url: string
  readonly #scenario: Scenario
  readonly #workers: ChildProcess[] = []
  readonly #producers: Actor[] = []
  /** By process, also of those that were killed. */
  readonly #ended = new Map<number, number>()
  readonly #watch: NodeJS.Timeout

  static async open(postgres: Postgres, name: string, scenario: Scenario): Promise<Stage> {
    const url = await postgres.database(`scenario_${name}`)
    const stage = new Stage(postgres, url, scenario)
    await stage.queue.migrate()
    const producers = stage.sources.map((played) => stage.#startProducer(played))
    await Promise.all(Array.from({ length: workers }, () => stage.#startWorker()))
    stage.#producers.push(...(await Promise.all(producers)))
    return stage
  }

  private constructor(postgres: Postgres, url: string, scenario: Scenario) {
    atEnd(() => rmSync(this.logs, { recursive: true, force: true }))
    this.#postgres = postgres
    this.#url = url
    this.#scenario = scenario
    this.queue = createQueue({ store: postgresStore({ connectionString: url }) })
    this.sources = [quietSource(scenario), ...scenario.attack].map((source, index) => ({
      source,
      first: index * numbersPerSource,
    }))
    this.#watch = setInterval(() => this.#look(), memoryEveryMs)
  }

  startQuiet(): void {
    this.#producers[0]!.child.send({})
  }

  /** Returns when the attack begins, by {@link clock}: at once, or when what it adds is due. */
  startAttack(): number {
    let from = clock()
    for (const [index, played] of this.sources.entries()) {
      if (index === 0) continue
      const { dueInMs } = played.source
      if (dueInMs !== undefined) from = played.dueAt = clock() + dueInMs
      this.#producers[index]!.child.send(dueInMs === undefined ? {} : { dueAt: Date.now() + dueInMs })
    }
    return from
  }

  /** Waits until the attack's jobs are added, and ended, or until patience is over. */
  async attackOver(): Promise<void> {
    const stored = await Promise.all(this.#producers.slice(1).map(({ done }) => done))
    const all = stored.reduce((sum, jobs) => sum + jobs, 0)
    const giveUpAt = performance.now() + patienceSeconds * 1_000
    while ((await this.#unfinished(all)) > 0) {
      if (performance.now() > giveUpAt)
        return console.error(`gave up waiting for ${await this.#unfinished(all)} jobs`)
      await sleep(pollMs)
    }
  }

  /** Jobs of the attack, of `all`, that have not ended. */
  async #unfinished(all: number): Promise<number> {
    // Asking the store would be a load of its own.
    if (!this.#scenario.explain) return all - [...this.#ended.values()].reduce((sum, jobs) => sum + jobs, 0)
    // What killed processes had ended, and what they told, is not the same. The store has quiet tenants' jobs, too: fewer
    // than there are slots.
    const left = await this.#stored().catch(() => all)
    await sleep(10 * pollMs)
    return left < slots ? 0 : left
  }

  async stopQuiet(): Promise<void> {
    this.#producers[0]!.child.send('stop')
    await this.#producers[0]!.done
  }

  /** Handlers that failed, or said that their provider wants a pause, succeed from now on. */
  allIsWell(): void {
    for (const worker of this.#workers) worker.send('all is well')
  }

  async killWorker(): Promise<void> {
    const victim = this.#workers.shift()!
    this.deaths.push({ pid: victim.pid!, at: clock() })
    victim.kill('SIGKILL')
    await once(victim, 'exit')
    await this.#startWorker()
  }

  /** Immediate shutdown: without a checkpoint, connections cut. The embedded server starts it again by itself. */
  async restartPostgres(): Promise<void> {
    const { pid } = this.#postgres
    this.deaths.push({ pid: 'postgres', at: clock() })
    process.kill(pid, 'SIGQUIT')
    while (this.#postgres.pid === pid) await sleep(pollMs)
  }

  /** Jobs that the store still holds, dead ones included, after they had time to end. */
  async left(): Promise<number> {
    const giveUpAt = performance.now() + patienceSeconds * 1_000
    while ((await this.#stored()) > 0 && performance.now() < giveUpAt) await sleep(pollMs)
    const dead = (await this.queue.stats()).reduce((sum, lane) => sum + lane.deadJobs, 0)
    return (await this.#stored()) + dead
  }

  async #stored(): Promise<number> {
    const lanes = await this.queue.stats()
    return lanes.reduce((sum, lane) => sum + lane.waitingJobs + lane.scheduledJobs + lane.leasedJobs, 0)
  }

  async close(): Promise<void> {
    clearInterval(this.#watch)
    await this.queue.close()
    for (const child of [...this.#workers, ...this.#producers.map((producer) => producer.child)]) {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    }
  }

  get #leaseMs(): number {
    return this.#scenario.leaseMs ?? 10_000
  }

  async #startWorker(): Promise<void> {
    const settings: Settings = {
      slots: slotsPerWorker,
      leaseMs: this.#leaseMs,
      explain: this.#scenario.explain ?? false,
    }
    const { child } = await startProcess<'ready'>('./queue/scenarios/worker.ts', [
      this.#url,
      this.logs,
      JSON.stringify(settings),
    ])
    child.on('message', ({ ended }: { ended: number }) => this.#ended.set(child.pid!, ended))
    this.#workers.push(child)
  }

  async #startProducer({ source, first }: Played): Promise<Actor> {
    const { child } = await startProcess<'ready'>('./queue/scenarios/producer.ts', [
      this.#url,
      this.logs,
      String(first),
      JSON.stringify(source),
    ])
    return {
      child,
      done: once(child, 'message').then(([message]) => (message as { stored: number }).stored),
    }
  }

  /** Of the largest worker. */
  #look(): void {
    const megabytes = this.#workers.map(({ pid }) => {
      try {
        return residentMegabytes(pid!)
      } catch {
        return 0 // It was killed while we looked.
      }
    })
    this.memory.push({ at: clock(), megabytes: Math.max(0, ...megabytes) })
  }
}

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { startProcess } from '../machines.ts'
import { clock } from './crash-log.ts'
import type { Death } from './crash-verdict.ts'

const workerCount = 3
/** Further apart than a producer can count in its life. */
const numbersPerProducer = 1_000_000
/** Of all kills; the others are of workers. */
const share = { producer: 0.2, postgres: 0.2 }

/** The processes that are killed, and started again at once. PostgreSQL is restarted by who runs it. */
export class Cast {
  readonly deaths: Death[] = []
  readonly kills = { workers: 0, 'the producer': 0, PostgreSQL: 0 }
  readonly #url: string
  readonly #logs: string
  readonly #postgres: { readonly pid: number }
  readonly #workers: ChildProcess[] = []
  readonly #starting = new Set<Promise<void>>()
  #producer: ChildProcess | undefined
  #producers = 0
  #killedPostgres = 0

  constructor(url: string, logs: string, postgres: { readonly pid: number }) {
    this.#url = url
    this.#logs = logs
    this.#postgres = postgres
  }

  async start(): Promise<void> {
    this.#startProducer()
    for (let worker = 0; worker < workerCount; worker++) this.#startWorker()
    await Promise.all(this.#starting)
  }

  /** `random` in [0, 1) chooses the victim among what lives at the moment. */
  async killOne(random: number): Promise<void> {
    while (this.#workers.length === 0) await Promise.race(this.#starting)
    const postgresPid = this.#postgres.pid
    if (random < share.producer && this.#producer) {
      const victim = this.#producer
      this.#producer = undefined
      await this.#kill(victim)
      this.kills['the producer']++
      this.#startProducer()
    } else if (random < share.producer + share.postgres && postgresPid !== this.#killedPostgres) {
      this.#killedPostgres = postgresPid
      this.deaths.push({ pid: 'postgres', at: clock() })
      process.kill(postgresPid, 'SIGKILL')
      this.kills.PostgreSQL++
    } else {
      const [victim] = this.#workers.splice(Math.floor(random * this.#workers.length), 1)
      await this.#kill(victim!)
      this.kills.workers++
      this.#startWorker()
    }
  }

  async stopAdding(): Promise<void> {
    await Promise.all(this.#starting)
    this.#producer!.send('stop')
    await once(this.#producer!, 'exit')
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) {
      worker.disconnect()
      await once(worker, 'exit')
    }
  }

  async #kill(victim: ChildProcess): Promise<void> {
    this.deaths.push({ pid: victim.pid!, at: clock() })
    const exit = once(victim, 'exit')
    victim.kill('SIGKILL')
    await exit
  }

  #startProducer(): void {
    const first = String(this.#producers++ * numbersPerProducer)
    this.#starts('./queue/crash-producer.ts', [this.#url, this.#logs, first], (child) => {
      this.#producer = child
    })
  }

  #startWorker(): void {
    this.#starts('./queue/crash-worker.ts', [this.#url, this.#logs], (child) => this.#workers.push(child))
  }

  #starts(file: string, args: string[], alive: (child: ChildProcess) => void): void {
    const starting = startProcess<'ready'>(file, args).then(({ child }) => {
      this.#starting.delete(starting)
      alive(child)
    })
    this.#starting.add(starting)
  }
}

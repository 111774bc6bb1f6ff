import type { Logger } from 'pino'
import type { CallSum } from './call-sums.ts'
import type { ProcessRegister } from './leftovers.ts'
import { beatMs, type ProcessState, type Role } from './messages.ts'
import { type Patience, type ProcessPlan, WatchedProcess } from './watched-process.ts'

export interface SupervisorOptions {
  plans: ProcessPlan[]
  log: Logger
  register: ProcessRegister
  patience?: Partial<Patience>
}

const defaultPatience: Patience = { silentMs: 8_000, firstBeatMs: 60_000, stopMs: 8_000 }
/** A process that lived for longer is replaced at once; one that ends sooner again and again, after longer and longer pauses. */
const soundMs = 60_000
const firstPauseMs = 250
/** Starting costs a second of processor time; a door that stays closed costs whoever stands before it. */
const maxPauseMs = 2_000

/** A role could not be started. Its process has told why. */
export class StartFailed extends Error {
  readonly exitCode: number

  constructor(role: Role, exitCode: number) {
    super(`the ${role} process did not start`)
    this.name = 'StartFailed'
    this.exitCode = exitCode
  }
}

/** One role: the process it has now, and what is known of those before. */
interface Post {
  plan: ProcessPlan
  process: WatchedProcess | undefined
  wasReady: boolean
  /** Since when no process of it runs; undefined while one does, and before the first start. */
  downSince: number | undefined
  replaced: number
  lastReason: string | null
  pauseMs: number
  timer: NodeJS.Timeout | undefined
}

/** Keeps one process per plan running. README.md has the contract and the states. */
export class Supervisor {
  readonly #posts: Post[]
  readonly #log: Logger
  readonly #register: ProcessRegister
  readonly #patience: Patience
  readonly #ticker: NodeJS.Timeout
  /** What workers did since the api was last told. */
  #calls: CallSum[] = []
  #pressure = 0
  #stopping: Promise<void> | undefined
  #onChange: () => void = () => {}
  #failed: StartFailed | undefined

  constructor({ plans, log, register, patience }: SupervisorOptions) {
    this.#log = log
    this.#register = register
    this.#patience = { ...defaultPatience, ...patience }
    this.#posts = plans.map((plan) => ({
      plan,
      process: undefined,
      wasReady: false,
      downSince: undefined,
      replaced: 0,
      lastReason: null,
      pauseMs: firstPauseMs,
      timer: undefined,
    }))
    this.#ticker = setInterval(() => this.#tick(), beatMs)
    this.#startNext()
  }

  /** Resolves when every role has been ready. @throws {StartFailed} having stopped the others. */
  async started(): Promise<void> {
    await this.#until(() => this.#failed !== undefined || this.#posts.every(({ wasReady }) => wasReady))
    if (!this.#failed) return
    await this.stop()
    throw this.#failed
  }

  /** Greets the person at the terminal, if a role does. */
  welcome(): void {
    this.#tell('api', { kind: 'welcome' })
  }

  states(): ProcessState[] {
    const now = performance.now()
    return this.#posts.map(({ plan, process, downSince, replaced, lastReason }) => ({
      role: plan.role,
      pid: process?.pid ?? null,
      state: process?.state ?? 'waiting',
      notRunningMs: downSince === undefined ? 0 : now - downSince,
      replaced,
      lastReason,
      vitals: process?.vitals ?? null,
    }))
  }

  /** Asks every process to end and waits for it; idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  /** Ends every process at once. */
  kill(): void {
    for (const { process } of this.#posts) process?.kill('the supervisor was told to end at once')
  }

  async #stopAll(): Promise<void> {
    for (const post of this.#posts) {
      clearTimeout(post.timer)
      post.process?.stop()
    }
    await this.#until(() => this.#posts.every(({ process }) => process === undefined))
    clearInterval(this.#ticker)
    this.#register.remove()
  }

  /** The first time one after the other: the database is brought up to date once, and a mistake of the operator's told once. */
  #startNext(): void {
    const next = this.#posts.find(({ wasReady, process }) => !wasReady && !process)
    if (next && !this.#stopping) this.#start(next)
  }

  #start(post: Post): void {
    const { plan } = post
    post.timer = undefined
    post.downSince ??= performance.now()
    const started = new WatchedProcess(plan, this.#patience, this.#log, {
      onReady: () => {
        post.wasReady = true
        post.downSince = undefined
        this.#startNext()
        this.#onChange()
      },
      onMessage: ({ pressure, calls }) => {
        if (pressure !== undefined) this.#pressure = pressure
        if (calls) this.#calls.push(...calls)
      },
      onEnd: (end) => this.#ended(post, end),
    })
    post.process = started
    this.#registerAll()
  }

  #ended(
    post: Post,
    {
      code,
      signal,
      reason,
    }: { code: number | null; signal: NodeJS.Signals | null; reason: string | undefined },
  ): void {
    const { plan, process: ended } = post
    post.process = undefined
    post.downSince ??= performance.now()
    this.#registerAll()
    // What keeps a first start from succeeding is for the operator to correct; but for a kill from outside, such as for want of memory.
    const wasKilled = signal !== null && reason === undefined
    if (!post.wasReady && !wasKilled && !this.#stopping)
      this.#failed ??= new StartFailed(plan.role, code || 1)
    this.#onChange()
    if (this.#stopping || this.#failed) return
    post.replaced++
    post.lastReason = reason ?? (signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`)
    if (performance.now() - ended!.startedAt > soundMs) post.pauseMs = firstPauseMs
    this.#log.error(
      { role: plan.role, code, signal, replaced: post.replaced, startsInMs: post.pauseMs },
      `the ${plan.role} process ended by itself or was killed (${post.lastReason}); another one takes its place`,
    )
    post.timer = setTimeout(() => this.#start(post), post.pauseMs)
    post.pauseMs = Math.min(maxPauseMs, post.pauseMs * 2)
  }

  #tick(): void {
    for (const { process } of this.#posts) process?.tick()
    if (!this.#posts.some(({ plan, process }) => plan.role === 'api' && process)) this.#pressure = 0
    this.#tell('worker', { kind: 'standBack', share: this.#pressure })
    this.#tell('api', {
      kind: 'state',
      processes: this.states(),
      standBackShare: this.#pressure,
      calls: this.#calls,
    })
    // Without an api nobody wants them.
    this.#calls = []
  }

  #tell(role: Role, message: Parameters<WatchedProcess['tell']>[0]): void {
    for (const { plan, process } of this.#posts) if (plan.role === role) process?.tell(message)
  }

  #registerAll(): void {
    this.#register.write(this.#posts.flatMap(({ process }) => process?.pid ?? []))
  }

  /** Resolves once it is true, looking whenever a process became ready or ended. */
  #until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#onChange
      const look = () => {
        if (isTrue()) resolve()
      }
      this.#onChange = () => {
        before()
        look()
      }
      look()
    })
  }
}

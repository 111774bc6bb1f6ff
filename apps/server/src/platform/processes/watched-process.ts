import { type ChildProcess, fork } from 'node:child_process'
import type { Logger } from 'pino'
import { beatMs, type FromProcess, type ProcessState, type Role, type ToProcess } from './messages.ts'
import type { Vitals } from './vitals.ts'

export interface ProcessPlan {
  role: Role
  /** The program, as `fork` takes it. */
  program: URL
  args: string[]
  env: NodeJS.ProcessEnv
  /** Of Node. Default: this process's own. */
  execArgv?: string[]
  /** Node itself. Default: this process's own. */
  execPath?: string
}

export interface Patience {
  /** Without a beat for so long, a process that has beaten before is killed. */
  silentMs: number
  /** The same for its first beat: loading the program keeps its event loop from turning. */
  firstBeatMs: number
  /** Time to stop in. */
  stopMs: number
}

export interface ProcessEvents {
  onReady(): void
  onMessage(message: Extract<FromProcess, { kind: 'beat' }>): void
  /** It is gone. `reason` is what the supervisor killed it for. */
  onEnd(end: { code: number | null; signal: NodeJS.Signals | null; reason: string | undefined }): void
}

/** One process of a supervisor, from its start to its end. */
export class WatchedProcess {
  readonly role: Role
  readonly startedAt = performance.now()
  vitals: Vitals | null = null
  #state: ProcessState['state'] = 'starting'
  /** Undefined when the system refused to make it. */
  readonly #child: ChildProcess | undefined
  readonly #patience: Patience
  readonly #log: Logger
  #hasBeaten = false
  /** Of the supervisor, since the last beat or since it was asked to stop. */
  #ticks = 0
  #reason: string | undefined

  constructor(plan: ProcessPlan, patience: Patience, log: Logger, events: ProcessEvents) {
    this.role = plan.role
    this.#patience = patience
    this.#log = log
    let hasEnded = false
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      if (hasEnded) return
      hasEnded = true
      events.onEnd({ code, signal, reason: this.#reason })
    }
    // One that never came to be has no exit. It is told later, when whoever made this object has it.
    const fail = (error: unknown) => {
      log.error({ err: error, role: plan.role }, `the ${plan.role} process could not be started`)
      this.#reason = `it could not be started: ${(error as Error).message}`
      setImmediate(end, null, null)
    }
    let child: ChildProcess
    try {
      child = fork(plan.program, plan.args, {
        env: plan.env,
        ...(plan.execArgv && { execArgv: plan.execArgv }),
        ...(plan.execPath && { execPath: plan.execPath }),
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
    } catch (error) {
      fail(error)
      return
    }
    this.#child = child
    child.on('message', (message: FromProcess) => {
      if (message.kind === 'ready') {
        if (this.#state === 'starting') this.#state = 'running'
        return events.onReady()
      }
      this.#hasBeaten = true
      if (this.#state !== 'stopping') this.#ticks = 0
      this.vitals = message.vitals
      events.onMessage(message)
    })
    child.on('error', (error) => {
      if (child.pid === undefined) return fail(error)
      // A channel that breaks is followed by the process's end, which is what counts.
      log.warn({ err: error, role: plan.role }, 'a process could not be reached')
    })
    child.once('exit', end)
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  get state(): ProcessState['state'] {
    return this.#state
  }

  tell(message: ToProcess): void {
    if (this.#child?.connected) this.#child.send(message, () => {})
  }

  /** Asks it to end; kills it when it takes too long. */
  stop(): void {
    if (this.#state === 'stopping') return
    this.#state = 'stopping'
    this.#ticks = 0
    this.tell({ kind: 'stop' })
  }

  kill(reason?: string): void {
    this.#reason ??= reason
    this.#child?.kill('SIGKILL')
  }

  /** Called once every {@link beatMs} by the supervisor: its own ticks are the clock, so that its own pauses blame nobody. */
  tick(): void {
    this.#ticks++
    const waited = this.#ticks * beatMs
    if (waited < this.#limitMs()) return
    const seconds = Math.round(waited / 1_000)
    const reason =
      this.#state === 'stopping'
        ? `it did not stop within ${seconds} s`
        : `its event loop was silent for ${seconds} s`
    if (this.#reason === undefined)
      this.#log.error(
        { role: this.role, processId: this.pid, vitals: this.vitals },
        `killing the ${this.role} process: ${reason}`,
      )
    this.kill(reason)
  }

  #limitMs(): number {
    if (this.#state === 'stopping') return this.#patience.stopMs
    return this.#hasBeaten ? this.#patience.silentMs : this.#patience.firstBeatMs
  }
}

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { cpuMsOf } from '../../platform/db/embedded/process-identity.ts'
import { nowhere, openPlace, type RenderPosition, type SharedRenderPosition } from './render-position.ts'
import type { ProgramStart, Task, TaskEnds } from './render-program.ts'

const fromSources = import.meta.url.endsWith('.ts')
const program = new URL(`../delivery/render-program.${fromSources ? 'ts' : 'js'}`, import.meta.url)
/** Of what it wrote last, for the log. */
const tailLength = 2_000

/** A render process ended before its task did. */
export class RenderProcessEnded extends Error {
  /** By a signal that we did not send: what it was doing made it end, as a rule for want of memory. */
  readonly byItself: boolean

  constructor(message: string, byItself: boolean) {
    super(message)
    this.name = 'RenderProcessEnded'
    this.byItself = byItself
  }
}

/**
 * A process that does one task at a time, with a heap of its own size. Threads were tried: a single large allocation in one
 * ends the whole process whatever its limits, and V8's search in strings can't be interrupted, so that two mails kept everybody
 * waiting for 70 seconds. A process can always be killed. It sees no environment variables. (Pool libraries have neither
 * turns between projects nor the place of what is stopped.)
 */
export class RenderProcess {
  readonly #child: ChildProcess
  readonly #place: SharedRenderPosition | undefined
  #task: { send: Task; resolve(ends: TaskEnds): void; reject(error: Error): void } | undefined
  #ready = false
  #ended: Error | undefined
  #tail = ''

  constructor({ heapMb }: { heapMb: number }) {
    this.#place = openPlace()
    this.#child = fork(program, [], {
      // Where its own packages are found, whatever the folder that the server was started in.
      cwd: fileURLToPath(new URL('.', program)),
      env: {},
      execArgv: [
        `--max-old-space-size=${heapMb}`,
        '--max-semi-space-size=8',
        ...(fromSources ? ['--import', 'tsx', '--conditions=source'] : []),
      ],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', this.#place?.descriptor ?? 'ignore'],
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#tail = (this.#tail + text).slice(-tailLength)
    })
    this.#child.on('message', (message: ProgramStart | TaskEnds) => {
      if ('ready' in message) this.#start()
      else this.#take()?.resolve(message)
    })
    this.#child.on('error', (error) => this.#end(error))
    this.#child.once('exit', (code, signal) => {
      const reason = signal ? `by ${signal}` : `with exit code ${code}: ${this.#tail}`
      this.#end(new RenderProcessEnded(`the render process ended ${reason}`, signal !== null))
    })
    // It keeps nobody from ending.
    this.#child.unref()
    ;(this.#child.stderr as unknown as { unref(): void }).unref()
    this.#child.channel?.unref()
  }

  /** Rejects when the process ends before the task; it is of no use any more then. */
  run(task: Task): Promise<TaskEnds> {
    return new Promise((resolve, reject) => {
      this.#task = { send: task, resolve, reject }
      if (this.#ended) return this.#end(this.#ended)
      this.#child.channel?.ref()
      if (this.#ready) this.#send()
    })
  }

  /** Whatever it does at the moment. */
  stop(): void {
    this.#end(new RenderProcessEnded('the render process was stopped', false))
    this.#child.kill('SIGKILL')
  }

  get ready(): boolean {
    return this.#ready
  }

  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** What it has used of the processors, in ms; undefined where the system doesn't say. */
  get cpuMs(): number | undefined {
    return cpuMsOf(this.#child.pid)
  }

  /** Where it is now, or was when it ended. */
  get place(): RenderPosition {
    return this.#place?.read() ?? nowhere
  }

  #start(): void {
    this.#ready = true
    if (this.#task) this.#send()
  }

  #send(): void {
    this.#child.send(this.#task!.send, (error) => error && this.#end(error))
  }

  #take() {
    const task = this.#task
    this.#task = undefined
    this.#child.channel?.unref()
    return task
  }

  /** Once: what it holds is given up with the first reason. */
  #end(error: Error): void {
    this.#ended ??= error
    // Read for the last time, so that who asks later is told where it was.
    this.#place?.read()
    this.#place?.close()
    this.#take()?.reject(this.#ended)
  }
}

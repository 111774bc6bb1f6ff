import { beWatched, enterItem } from './render-position.ts'
import { TemplateError } from './template-error.ts'
import type { RenderTask } from './work.ts'

/** What a render process is given at once: as many of a batch's items as it manages in a slice of time. */
export interface Task {
  work: string
  shared: unknown
  items: unknown[]
}

/** It has loaded its program and takes tasks. */
export interface ProgramStart {
  ready: true
}

/** What became of an item, as plain data. */
export type ItemEnd =
  | { result: unknown; size: number }
  | { mistake: { part: string; problem: string; line?: number; column?: number } }
  | { broken: { message: string; stack?: string } }

export interface TaskEnds {
  /** Of the first items; fewer than were given when the slice was over. */
  ends: ItemEnd[]
  tookMs: number
}

/** After this time, or this much of results, a process takes what another project waits for. */
const sliceMs = 50
const sliceSize = 8_000_000

type Worked = (shared: never, item: never) => unknown

/** Pairs a kind of work with the function that does it. */
export const doing = <S, I, R>({ name }: RenderTask<S, I, R>, work: (shared: S, item: I) => R | Promise<R>) =>
  [name, work as Worked] as const

/** Makes this process one that can do these kinds of work, until its parent is gone. */
export function serve(works: (readonly [string, Worked])[]): void {
  const byName = new Map(works)
  process.on('disconnect', () => process.exit(0))
  process.on('message', async (task: Task) => {
    process.send!(await workOff(task, byName.get(task.work)!))
  })
  // The terminal's Ctrl-C is for the server, which lets what is under way end.
  process.on('SIGINT', () => {})
  beWatched()
  process.send!({ ready: true } satisfies ProgramStart)
}

async function workOff({ shared, items }: Task, work: Worked): Promise<TaskEnds> {
  const started = performance.now()
  const ends: ItemEnd[] = []
  let size = 0
  for (const item of items) {
    enterItem(ends.length + 1)
    const end = await attempt(work, shared, item)
    ends.push(end)
    if ('size' in end) size += end.size
    if (performance.now() - started > sliceMs || size > sliceSize) break
  }
  enterItem(0)
  return { ends, tookMs: performance.now() - started }
}

async function attempt(work: Worked, shared: unknown, item: unknown): Promise<ItemEnd> {
  try {
    const result = await work(shared as never, item as never)
    return { result, size: sizeOf(result) }
  } catch (error) {
    if (!(error instanceof TemplateError)) {
      const { message, stack } = error as Error
      return { broken: { message, stack } }
    }
    const { part, problem, line, column } = error
    return { mistake: { part, problem, line, column } }
  }
}

/** Characters and bytes that go back. */
function sizeOf(result: unknown): number {
  if (typeof result === 'string') return result.length
  if (result instanceof Uint8Array) return result.byteLength
  if (typeof result !== 'object' || result === null) return 0
  return Object.values(result).reduce((sum: number, value) => sum + sizeOf(value), 0)
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Project } from './tenant.ts'
import type { Seen } from './watcher.ts'

/** Looks at the server from a process of its own, as the second tenant. */
export class Watch {
  readonly #child: ChildProcess

  constructor(url: string, project: Project) {
    const file = fileURLToPath(new URL('watcher.ts', import.meta.url))
    this.#child = fork(file, [JSON.stringify({ url, project })], { execArgv: ['--import', 'tsx'] })
  }

  /** What was seen since the last call. */
  async look(): Promise<Seen> {
    this.#child.send('look')
    const [seen] = (await once(this.#child, 'message')) as [Seen]
    return seen
  }

  close(): void {
    this.#child.kill()
  }
}

export function join(a: Seen, b: Seen): Seen {
  const probe = (name: keyof Seen['probes']) => ({
    times: [...a.probes[name].times, ...b.probes[name].times],
    missed: a.probes[name].missed + b.probes[name].missed,
  })
  const most = (x?: number, y?: number) => (x === undefined ? y : y === undefined ? x : Math.max(x, y))
  return {
    probes: { heartbeat: probe('heartbeat'), track: probe('track'), people: probe('people') },
    loopMs: most(a.loopMs, b.loopMs),
    rssBytes: most(a.rssBytes, b.rssBytes),
  }
}

/** The largest of one in a hundred; of fewer than a hundred the largest but one, which one pause of the machine can't be. */
export function p99(times: number[]): number {
  const sorted = [...times].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.min(Math.floor(sorted.length * 0.99), sorted.length - 2))] ?? 0
}

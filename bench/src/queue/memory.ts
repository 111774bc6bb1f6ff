import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../report.ts'

/**
 * Megabytes of a process, with its share of what it shares with others: PostgreSQL's buffers, mapped by each of its
 * processes, then count once in their sum.
 */
function proportionalMegabytes(pid: number): number {
  try {
    const [, kilobytes] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))!
    return Number(kilobytes) / 1024
  } catch {
    return 0 // It ended while we looked.
  }
}

function withChildren(pid: number): number[] {
  const family = [pid]
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      // `pid (name) state ppid`, where the name may hold anything.
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) family.push(Number(name))
    } catch {}
  }
  return family
}

export interface Memory {
  process: number
  store: number
}

/** Samples four times a second until `work` is done; medians of the second half, in MB. */
export async function watchMemory(pid: number, storePid: number, work: Promise<unknown>): Promise<Memory> {
  const samples: Memory[] = []
  let over = false
  const watching = work.finally(() => (over = true))
  while (!over) {
    const store = withChildren(storePid).reduce((sum, member) => sum + proportionalMegabytes(member), 0)
    samples.push({ process: proportionalMegabytes(pid), store })
    await Promise.race([sleep(250), watching])
  }
  await watching
  const settled = samples.slice(samples.length >> 1)
  return {
    process: median(settled.map((sample) => sample.process)),
    store: median(settled.map((sample) => sample.store)),
  }
}

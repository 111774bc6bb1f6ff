import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { isAlive, startOf } from '../db/embedded/process-identity.ts'

interface ProcessRecord {
  pid: number
  /** Tells it from a later process with the same id. */
  started: string
}

interface SupervisorRecord {
  supervisor: ProcessRecord
  processes: ProcessRecord[]
}

export interface ProcessRegister {
  /** The living processes of this supervisor, now. */
  write(pids: number[]): void
  remove(): void
}

/** Where a supervisor keeps which processes are its own, for the one that comes after it was killed. */
export function openRegister(dataDir: string, log: Logger): ProcessRegister {
  const folder = join(dataDir, 'processes')
  const file = join(folder, `${process.pid}.json`)
  let usable = true
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    usable = false
    log.warn(
      { err: error },
      'the data directory is not writable: processes that outlive a kill of this one are not found',
    )
  }
  return {
    write(pids) {
      if (!usable) return
      const record: SupervisorRecord = { supervisor: recordOf(process.pid), processes: pids.map(recordOf) }
      writeFileSync(file, JSON.stringify(record), { mode: 0o600 })
    },
    remove: () => rmSync(file, { force: true }),
  }
}

/** Ends processes whose supervisor was killed while they hung: they could not see it go. */
export function endLeftovers(dataDir: string, log: Logger): void {
  const folder = join(dataDir, 'processes')
  for (const name of entriesOf(folder)) {
    const record = readRecord(join(folder, name))
    if (record && lives(record.supervisor)) continue
    for (const left of record?.processes ?? []) {
      if (!lives(left)) continue
      log.warn({ pid: left.pid }, 'ending a process that an earlier Fairway left behind')
      process.kill(left.pid, 'SIGKILL')
    }
    rmSync(join(folder, name), { force: true })
  }
}

const recordOf = (pid: number): ProcessRecord => ({ pid, started: startOf(pid) })

/** An empty start says nothing: such a process is left alone. */
const lives = ({ pid, started }: ProcessRecord) => started !== '' && isAlive(pid) && startOf(pid) === started

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readRecord(file: string): SupervisorRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SupervisorRecord
  } catch {
    return undefined
  }
}

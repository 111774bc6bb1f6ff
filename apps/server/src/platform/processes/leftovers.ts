import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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

/** Neither of them throws: without a record Fairway runs as well, and what must stop must not depend on one. */
export interface ProcessRegister {
  /** The living processes of this supervisor, now. */
  write(pids: number[]): void
  remove(): void
}

/** Where a supervisor keeps which processes are its own, for the one that comes after it was killed. */
export function openRegister(dataDir: string, log: Logger): ProcessRegister {
  const folder = join(dataDir, 'processes')
  const file = join(folder, `${process.pid}.json`)
  const partial = `${file}.partial`
  return {
    write(pids) {
      const record: SupervisorRecord = { supervisor: recordOf(process.pid), processes: pids.map(recordOf) }
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        writeFileSync(partial, JSON.stringify(record), { mode: 0o600 })
        renameSync(partial, file)
      } catch (error) {
        log.warn(
          { err: error },
          'the data directory takes no record: processes that outlive a kill of this one are not found',
        )
      }
    },
    remove() {
      for (const path of [file, partial]) discard(path, log)
    },
  }
}

/** Ends processes whose supervisor was killed while they hung: they could not see it go. Never throws. */
export function endLeftovers(dataDir: string, log: Logger): void {
  const folder = join(dataDir, 'processes')
  for (const name of entriesOf(folder)) {
    const record = readRecord(join(folder, name))
    if (record && lives(record.supervisor)) continue
    for (const left of record?.processes ?? []) if (lives(left)) end(left, log)
    discard(join(folder, name), log)
  }
}

function end({ pid }: ProcessRecord, log: Logger): void {
  log.warn({ pid }, 'ending a process that an earlier Fairway left behind')
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    log.warn({ err: error, pid }, 'it could not be ended')
  }
}

function discard(path: string, log: Logger): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    log.warn({ err: error, path }, 'a record of processes could not be removed')
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

/** Undefined for whatever is no record: a half-written file, another program's, a folder. */
function readRecord(file: string): SupervisorRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isRecord(record) ? record : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is SupervisorRecord {
  const { supervisor, processes } = (value ?? {}) as Partial<SupervisorRecord>
  return isProcess(supervisor) && Array.isArray(processes) && processes.every(isProcess)
}

/** Ids of 0 and below name groups of processes, this one's own among them. */
function isProcess(value: unknown): value is ProcessRecord {
  const { pid, started } = (value ?? {}) as Partial<ProcessRecord>
  return Number.isSafeInteger(pid) && pid! > 0 && typeof started === 'string'
}

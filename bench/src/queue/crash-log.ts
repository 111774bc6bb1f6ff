import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** What can be known of a job. */
export const happened = {
  asked: 1,
  resolved: 2,
  refused: 3,
  claimed: 4,
  started: 5,
  ended: 6,
  acknowledged: 7,
  /** The handler said that it failed, or asked for a pause. */
  failed: 8,
} as const
type What = keyof typeof happened
export type Log = (what: What, ...jobs: number[]) => void

export interface Entry {
  what: What
  /** Number of the job. */
  n: number
  /** By {@link clock}. */
  at: number
  pid: number
}

const recordBytes = 16

/** Milliseconds, the same for all processes of a machine. */
export const clock = () => Number(process.hrtime.bigint()) / 1e6

/** Each entry is in the kernel's hands before the call returns: it outlives `kill -9` of this process. */
export function openLog(directory: string): Log {
  const file = openSync(join(directory, `${process.pid}.log`), 'a')
  return (what, ...jobs) => {
    const at = clock()
    const records = Buffer.alloc(recordBytes * jobs.length)
    for (const [index, n] of jobs.entries()) {
      records.writeUInt32LE(happened[what], index * recordBytes)
      records.writeUInt32LE(n, index * recordBytes + 4)
      records.writeDoubleLE(at, index * recordBytes + 8)
    }
    writeSync(file, records)
  }
}

export function* readLogs(directory: string): Generator<Entry> {
  const names = Object.keys(happened) as What[]
  for (const file of readdirSync(directory)) {
    const records = readFileSync(join(directory, file))
    for (let at = 0; at + recordBytes <= records.length; at += recordBytes)
      yield {
        what: names[records.readUInt32LE(at) - 1]!,
        n: records.readUInt32LE(at + 4),
        at: records.readDoubleLE(at + 8),
        pid: Number.parseInt(file, 10),
      }
  }
}

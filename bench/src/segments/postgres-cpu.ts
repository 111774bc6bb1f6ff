import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks of Linux. */
const msPerTick = 10

/** CPU time of a PostgreSQL's living processes so far, in ms. Backends that came and went between two readings are missing. */
export function postgresCpu(postmaster: number): number {
  let ticks = 0
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (Number(pid) !== postmaster && Number(fields[1]) !== postmaster) continue
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // It ended meanwhile.
    }
  }
  return ticks * msPerTick
}

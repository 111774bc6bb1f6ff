import { cpus } from 'node:os'
import { performance } from 'node:perf_hooks'

/** From here on the accepting process has little time left of its own … */
const busyFrom = 0.6
/** … and from here on none. A process that waits for a processor counts as busy. */
const busyAt = 0.9
/** A machine with more idle time than this has room for both. */
const idleFrom = 0.12
const idleAt = 0.03
/** Each beat moves the pressure by this part towards what was measured: within a second, and no jump for one burst. */
const smoothing = 0.3

interface MachineTimes {
  idle: number
  total: number
}

/**
 * How short of processor time accepting is, from 0 to 1: this process's event loop is busy, and the machine has no idle
 * processor that it could have. Measured, not configured: with enough cores it stays 0 at any rate.
 */
export class AcceptPressure {
  #utilization = performance.eventLoopUtilization()
  #machine = readMachine()
  #pressure = 0

  /** Since the last reading. */
  read(): number {
    const utilization = performance.eventLoopUtilization()
    const machine = readMachine()
    const busy = performance.eventLoopUtilization(utilization, this.#utilization).utilization
    const measured = pressureOf(busy, idleShare(this.#machine, machine))
    this.#utilization = utilization
    this.#machine = machine
    this.#pressure += (measured - this.#pressure) * smoothing
    if (this.#pressure < 0.01) this.#pressure = 0
    return this.#pressure
  }
}

/**
 * @param busy share of the time that the event loop was busy
 * @param idle share of the machine's processor time that nobody used
 */
export function pressureOf(busy: number, idle: number): number {
  return share(busy, busyFrom, busyAt) * share(idle, idleFrom, idleAt)
}

/** Where `value` lies between `from` (0) and `to` (1). */
const share = (value: number, from: number, to: number) =>
  Math.min(1, Math.max(0, (value - from) / (to - from)))

function readMachine(): MachineTimes {
  const times = { idle: 0, total: 0 }
  for (const { times: of } of cpus()) {
    times.idle += of.idle
    times.total += of.user + of.nice + of.sys + of.irq + of.idle
  }
  return times
}

/** Its clock is coarse: a span in which it did not move says that there was room. */
function idleShare(before: MachineTimes, after: MachineTimes): number {
  const total = after.total - before.total
  return total > 0 ? (after.idle - before.idle) / total : 1
}

import { cpus } from 'node:os'
import { performance } from 'node:perf_hooks'

/**
 * Busy share of the event loop from which accepting begins to wait, and from which it should have all it needs. Under 100 connections
 * beside full work it was at 0.62, because it waits for PostgreSQL as well, and accepted 0.2 to 0.4 of what it could.
 */
const busyFrom = 0.4
const busyAt = 0.65
/** Idle processors: with one there is room for both, with a quarter of one there is not. */
const idleFrom = 0.8
const idleAt = 0.3
/** Each beat moves the pressure by this part towards what was measured: within a second, and no jump for one burst. */
const smoothing = 0.3

interface MachineTimes {
  processors: number
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
    const measured = pressureOf(busy, idleProcessors(this.#machine, machine))
    this.#utilization = utilization
    this.#machine = machine
    this.#pressure += (measured - this.#pressure) * smoothing
    if (this.#pressure < 0.01) this.#pressure = 0
    return this.#pressure
  }
}

/**
 * @param busy share of the time that the event loop was busy
 * @param idle processors that nobody used, on average
 */
export function pressureOf(busy: number, idle: number): number {
  return share(busy, busyFrom, busyAt) * share(idle, idleFrom, idleAt)
}

/** Where `value` lies between `from` (0) and `to` (1). */
const share = (value: number, from: number, to: number) =>
  Math.min(1, Math.max(0, (value - from) / (to - from)))

function readMachine(): MachineTimes {
  const processors = cpus()
  const times = { processors: processors.length, idle: 0, total: 0 }
  for (const { times: of } of processors) {
    times.idle += of.idle
    times.total += of.user + of.nice + of.sys + of.irq + of.idle
  }
  return times
}

/** Its clock is coarse: a span in which it did not move says that there was room. */
function idleProcessors(before: MachineTimes, after: MachineTimes): number {
  const total = after.total - before.total
  return total > 0 ? ((after.idle - before.idle) / total) * after.processors : after.processors
}

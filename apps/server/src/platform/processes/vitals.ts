import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How a process is. */
export interface Vitals {
  /** Resident memory in bytes. */
  residentBytes: number
  heapUsedBytes: number
  /** Longest delay of the event loop since the last beat, seconds. */
  loopDelaySeconds: number
}

const resolutionMs = 10

/** Reads this process's vitals; each reading starts the next span of the loop's delay. */
export function watchVitals(): { read(): Vitals; stop(): void } {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  return {
    read() {
      const { rss, heapUsed } = process.memoryUsage()
      // It measures the time between two of its own ticks.
      const loopDelaySeconds = Math.max(0, delay.max / 1e9 - resolutionMs / 1_000)
      delay.reset()
      return { residentBytes: rss, heapUsedBytes: heapUsed, loopDelaySeconds }
    },
    stop: () => void delay.disable(),
  }
}

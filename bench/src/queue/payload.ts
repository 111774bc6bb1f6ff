/** What every system is given: JSON data of 200 bytes, of which some tell the bench what it needs to know. */
export interface Payload {
  n: number
  tenant: string
  /** When it was added, by `performance.now()` of the process under test. */
  at: number
  /** Milliseconds that the handler sleeps. */
  ms: number
  pad: string
}

export interface BenchJob {
  tenant: string
  lane: string
  data: Payload
}

export const payloadBytes = 200
const filler = 'x'.repeat(payloadBytes)
/** Everything but the values. */
const frame = JSON.stringify({ n: 0, tenant: '', at: 0, ms: 0, pad: '' }).length - 3

/** The lane of all jobs, but where a section is about several. */
export const benchLane = 'bench'

export function makeJob(
  n: number,
  tenant: string,
  { at = 0, ms = 0, lane = benchLane }: { at?: number; ms?: number; lane?: string } = {},
): BenchJob {
  const values = digits(n) + digits(at) + digits(ms) + tenant.length
  return { tenant, lane, data: { n, tenant, at, ms, pad: filler.slice(frame + values) } }
}

function digits(value: number): number {
  return String(value).length
}

/** `count` jobs in a row, numbered from `from`, `perTenant` in a row for each of `tenants` tenants in rotation. */
export function makeBatch(from: number, count: number, spread: Spread, lane = benchLane): BenchJob[] {
  const jobs = new Array<BenchJob>(count)
  for (let index = 0; index < count; index++) {
    const n = from + index
    jobs[index] = makeJob(n, `tenant-${Math.floor(n / spread.perTenant) % spread.tenants}`, { lane })
  }
  return jobs
}

export interface Spread {
  tenants: number
  perTenant: number
}

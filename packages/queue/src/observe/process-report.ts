import type { Json } from '../api/types.ts'
import type { TopTenants } from './top-tenants.ts'

/** What one process says of itself with each heartbeat, at most {@link maxReportBytes} as JSON. */
export interface ProcessReport {
  /** Of this format; others are passed over. */
  v: 1
  /** Of the process's queue: each of its workers sends the same report. */
  id: string
  /** When it was made, epoch ms by the store's clock. */
  at: number
  /** Time that the numbers of `lanes` cover, ms: at most a minute. */
  windowMs: number
  lanes: Record<string, LaneReport>
  /** Handler calls that wait for somebody else, by lane, with tenants whose calls wait longest. Older programs do not tell. */
  waiting?: Record<
    string,
    [calls: number, longestMs: number, tenants: [tenant: string, calls: number, longestMs: number][]]
  >
  /** Since the process started. */
  admission: { refused: number; slowed: number }
  /** Bytes by purpose, `[used, limit]`. */
  memory: Record<string, [number, number]>
}

export interface LaneReport extends TopTenants {
  /** Pairs of a {@link Histogram}. */
  dwell: number[]
  serviceMs: number
  completed: number
  retried: number
  dead: number
}

export const maxReportBytes = 8 * 1024
/** Tenants per lane at most; fewer when their names are long. */
export const maxTenants = 20

const compact = ({ dwell, top, other, ...numbers }: LaneReport) => [
  numbers.serviceMs,
  numbers.completed,
  numbers.retried,
  numbers.dead,
  dwell,
  top.map(({ tenant, serviceMs, jobs }) => [tenant, serviceMs, jobs]),
  [other.serviceMs, other.jobs],
]

export const packReport = (report: ProcessReport): Json => ({
  ...report,
  lanes: Object.fromEntries(Object.entries(report.lanes).map(([lane, of]) => [lane, compact(of)])),
})

/** Undefined for what another version, or something else, has written. */
export function unpackReport(packed: Json): ProcessReport | undefined {
  const report = packed as unknown as (ProcessReport & { lanes: Record<string, unknown[]> }) | null
  if (report?.v !== 1 || !(report.windowMs > 0)) return undefined
  const lanes = Object.entries(report.lanes as unknown as Record<string, ReturnType<typeof compact>>)
  return {
    ...report,
    lanes: Object.fromEntries(
      lanes.map(([lane, [serviceMs, completed, retried, dead, dwell, top, other]]) => [
        lane,
        {
          serviceMs: serviceMs as number,
          completed: completed as number,
          retried: retried as number,
          dead: dead as number,
          dwell: dwell as number[],
          top: (top as [string, number, number][]).map(([tenant, ms, jobs]) => ({
            tenant,
            serviceMs: ms,
            jobs,
          })),
          other: { serviceMs: (other as number[])[0]!, jobs: (other as number[])[1]! },
        },
      ]),
    ),
  }
}

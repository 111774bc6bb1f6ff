import type { Stage } from './stage.ts'

/** Jobs that one process adds. */
export interface Source {
  /** Tenants are called so, and a number. */
  prefix: string
  tenants: number
  /** So many tenants have jobs at a time; when theirs are added come the next. Default: all at once. */
  together?: number
  jobs: number
  /** Added at this pace. Default: as fast as the store takes them. */
  perSecond?: number
  /** One by one at random moments, instead of in batches. */
  single?: boolean
  /** Jobs of one `addMany`. */
  batch?: number
  /** What the handler sleeps. */
  ms: number
  /** Each tenant's jobs have one of so many keys, in turns. */
  keys?: number
  /** Random data between these sizes, small ones more often. Default: 200 bytes. */
  bytes?: [least: number, most: number]
  /** What the handler says of every job until it is told that all is well again. */
  ending?: 'throws' | 'rateLimited'
  /** All run at the same moment, so long after the start. */
  dueInMs?: number
  /** All its tenants have work waiting at the same time: service is compared between them. */
  steady?: boolean
}

export interface Scenario {
  /** The attack and its size, in one line. */
  about: string
  attack: Source[]
  /** Tenants who wait less than anybody should notice. Default: 20. */
  quietTenants?: number
  /** Of the workers. Default 10 s, as the queue's. */
  leaseMs?: number
  /** Ends and claims are written down, so that each job that ran twice can be explained. */
  explain?: boolean
  /** What else happens, while the attack is going on. */
  during?: (stage: Stage) => Promise<void>
}

export const slotsPerWorker = 40
export const workers = 2
export const slots = slotsPerWorker * workers

export const quietMs = 10
const quietPerSecond = 133

export const quietSource = ({ quietTenants = 20 }: Scenario): Source => ({
  prefix: 'quiet',
  tenants: quietTenants,
  jobs: Number.POSITIVE_INFINITY,
  perSecond: quietPerSecond,
  single: true,
  ms: quietMs,
})

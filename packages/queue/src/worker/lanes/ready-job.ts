import type { JobRecord } from '../../pages/job-record.ts'
import type { PageRef } from '../../stores/store.ts'
import type { LaneTenant } from './lane-tenant.ts'

/** A page in the hands of this worker. */
export interface HeldPage extends PageRef {
  bytes: number
  /** Jobs not yet settled. */
  remaining: number
  /** Positions finished since the last flush, while the page still has work. */
  finished: number[]
  readyAt: number
  firstAt: number
  priority: number
  /** Of an exclusive stream. */
  key: string | undefined
  /** Of a tenant with `maxInFlight`: when no such page of the lease is left, its grant is given back. */
  granted: boolean
  /** It belongs to others now: what ends in it is not stored. */
  lost: boolean
}

/** A job in this worker's memory, waiting for a slot. */
export interface ReadyJob {
  page: HeldPage
  position: number
  record: JobRecord
}

export interface Taken {
  name: string
  tenant: LaneTenant
  jobs: ReadyJob[]
  /** Cost in ms that the tenant was charged in advance. */
  charged: number
}

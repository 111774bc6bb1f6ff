/**
 * Many jobs of one tenant and lane, the body encoded as `job-record.ts` says.
 *
 * Within (lane, tenant) pages wait in **streams**, each first in, first out. The stream `''` holds ordinary jobs. `p1` … `p3`
 * hold jobs with a priority. `k<key>` holds the jobs of one key: it is exclusive, that is, at most one of its pages is
 * leased at a time, so that its jobs run in order.
 */
export interface Page {
  lane: string
  tenant: string
  stream: string
  /** Number of jobs in the body. */
  jobs: number
  /** Size of the body in bytes of UTF-8. */
  bytes: number
  body: string
}

export interface Blob {
  id: string
  data: string
}

/** A page to be stored: claimable at once, or from `dueAt` on. */
export interface NewPage extends Page {
  /** Not before, epoch ms by the store's clock. Absent: now. */
  dueAt?: number
  /** Not to be joined with other jobs into one page. */
  alone?: boolean
  /** When its oldest job first became ready, epoch ms; absent: when the page becomes claimable. */
  firstAt?: number
  /**
   * Stored only if no page with this key and the same lane and tenant was stored before and its `until` (epoch ms) lies
   * ahead. `id` is what `Appended.duplicates` tells later comers.
   */
  unique?: { key: string; until: number; id: string }
  /** Payloads kept outside the body, under ids that are unique in the whole store. */
  blobs?: Blob[]
}

export interface ScheduledPage extends NewPage {
  dueAt: number
}

/** Pages hold at most this many jobs. 500 measured best: larger pages gain little and make a claim coarser. */
export const maxPageJobs = 500
/** Pages hold at most this many bytes, unless a single job is larger. */
export const maxPageBytes = 256 * 1024

import { decodeBody, encodeRecord, packPages } from './page.ts'
import type { DeadJob, ScheduledPage } from './store.ts'

/** Lost this often, a page is taken apart: one of its jobs may be what kills the workers, and must not take others along. */
const splitAfterLosses = 2

/**
 * What becomes of pages whose worker fell silent: every unfinished job has one attempt more and is due at once. Jobs that
 * were lost repeatedly come back on pages of their own, so that a job that kills its worker is soon alone, and dies alone.
 */
export function returnJobs(
  pages: { lane: string; tenant: string; done: number[] | null; body: string }[],
  { now, maxAttempts }: { now: number; maxAttempts: number },
): { pages: ScheduledPage[]; dead: DeadJob[]; jobs: number } {
  const returned: ScheduledPage[] = []
  const dead: DeadJob[] = []
  let jobs = 0
  for (const page of pages) {
    const done = new Set(page.done ?? [])
    const together = []
    for (const [position, [id, name, data, made = 0]] of decodeBody(page.body).entries()) {
      if (done.has(position)) continue
      jobs++
      const attempts = made + 1
      if (attempts >= maxAttempts) {
        const reason = `its worker died or lost its lease ${attempts} times while holding it`
        dead.push({
          id,
          lane: page.lane,
          tenant: page.tenant,
          name,
          data: JSON.stringify(data),
          attempts,
          reason,
        })
        continue
      }
      const record = encodeRecord([id, name, data, attempts])
      const packable = { lane: page.lane, tenant: page.tenant, record, bytes: Buffer.byteLength(record) }
      if (attempts < splitAfterLosses) together.push(packable)
      else returned.push(...packPages([packable]).map((single) => ({ ...single, dueAt: now, alone: true })))
    }
    returned.push(...packPages(together).map((whole) => ({ ...whole, dueAt: now })))
  }
  return { pages: returned, dead, jobs }
}

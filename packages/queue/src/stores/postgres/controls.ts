import type { TenantControls } from '../../api/types.ts'
import { uniqueHeads } from './append.ts'
import { byHead, type Db, type PoolDb } from './db.ts'
import { controlColumns } from './sql/controls.ts'

export function setControls(db: PoolDb, tenant: string, controls: TenantControls): Promise<void> {
  return db.transaction((tx) => writeControls(tx, db.now(), tenant, controls))
}

export async function writeControls(
  tx: Db,
  now: number,
  tenant: string,
  controls: TenantControls,
): Promise<void> {
  const given = Object.entries(controlColumns).filter(
    ([name]) => controls[name as keyof TenantControls] !== undefined,
  )
  await tx.run('makeTenant', [tenant])
  if (given.length > 0) {
    const assignments = given.map(([, column], index) => `${column} = $${index + 2}`).join(', ')
    const values = given.map(([name]) => controls[name as keyof TenantControls])
    await tx.raw(`update ${tx.schema}.tenants set ${assignments} where tenant = $1`, [tenant, ...values])
  }
  const heads = (await tx.run<{ lane: string }>('lockTenant', [tenant])).map(({ lane }) => ({ lane, tenant }))
  if (controls.paused !== undefined) await tx.run('pauseHeads', [tenant, controls.paused === true])
  // The wait of the old rate is over with it.
  if (controls.rate !== undefined) await tx.run('openTenant', [tenant])
  await tx.run('refreshHeads', [...byHead(heads), now], heads.length)
}

export async function readControls(db: Db, tenant: string): Promise<TenantControls> {
  const [row] = await db.run<TenantControls>('controls', [tenant])
  return Object.fromEntries(Object.entries(row ?? {}).filter(([, value]) => value !== null))
}

export type JobRef = { lane: string; tenant: string; id: string }

export function cancel(db: PoolDb, jobs: JobRef[]): Promise<void> {
  return db.transaction((tx) => markCancelled(tx, db.now(), jobs))
}

export async function markCancelled(tx: Db, now: number, jobs: JobRef[]): Promise<void> {
  const heads = uniqueHeads(jobs)
  // The head carries the flag that makes a claim ask for marks, even of a job that is still scheduled.
  await tx.run('makeHeads', byHead(heads), heads.length)
  await tx.run('lockHeads', byHead(heads), heads.length)
  await tx.run('markCancelled', [...byHead(jobs), jobs.map((job) => job.id), now], jobs.length)
  await tx.run('flagCancels', byHead(heads), heads.length)
}

import { getOrMake, keyOfHead, type Tables } from './tables.ts'

export interface JobName {
  lane: string
  tenant: string
  id: string
}

/** Marks of all tenants are read by people only: the latest will do. */
const latestMarks = 1_000

/** A mark says that a job is dropped when it is met; where it waits need not be known. */
export function cancel(tables: Tables, jobs: JobName[]): void {
  for (const { lane, tenant, id } of jobs)
    getOrMake(tables.marks, keyOfHead(lane, tenant), () => new Map()).set(id, {
      lane,
      tenant,
      id,
      at: tables.now(),
    })
}

export function cancelled(tables: Tables, of?: { lane: string; tenant: string }): JobName[] {
  const marks = of
    ? [...(tables.marks.get(keyOfHead(of.lane, of.tenant))?.values() ?? [])]
    : [...tables.marks.values()].flatMap((some) => [...some.values()])
  const chosen = of ? marks : marks.sort((a, b) => b.at - a.at).slice(0, latestMarks)
  return chosen.map(({ lane, tenant, id }) => ({ lane, tenant, id }))
}

export function forgetMark(tables: Tables, { lane, tenant, id }: JobName): void {
  const key = keyOfHead(lane, tenant)
  const marks = tables.marks.get(key)
  marks?.delete(id)
  if (marks?.size === 0) tables.marks.delete(key)
}

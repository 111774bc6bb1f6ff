import type { Death } from '../crash-verdict.ts'
import { jainIndex } from '../statistics.ts'
import { type History, type SourceHistory, sourceOf, tenantIn } from './history.ts'
import { slots } from './scenario.ts'

/** Shares are compared when costs are known, and what was claimed before the last came is used up. */
const settleMs = 1_000
const minMs = 1_000

export interface Sharing {
  /** Of handler time between the tenants that all had work; undefined when they had not, for a second or more. */
  jain: number | undefined
  comparedMs: number
  /** Longest time that a tenant had a job ready and none running, ms, and whose. */
  starvation: number
  starved: string
  /** Share of the slots that were free although a ready job could have had them, while any was ready. */
  idle: number
  /** Most jobs that were ready and had not started. */
  backlog: number
}

interface Tenant {
  name: string
  /** Ready, and never started. */
  waiting: number
  running: number
  /** Since when it has work and none runs. */
  hungrySince: number
  /** One of those whose service is compared, and its handler calls. */
  calls?: { from: number; until: number }[]
}

/** Who was served while the attack was going on, from the logs of all processes. */
export function judgeSharing(
  { sources, steps }: History,
  deaths: Death[],
  from: number,
  until: number,
): Sharing {
  const tenants = new Map<string, Tenant>()
  const steady = sources.reduce(
    (sum, { played: { source } }) => sum + (source.steady ? source.tenants : 0),
    0,
  )
  const running = new Map<number, { tenant: Tenant; pid: number; at: number }[]>()
  const seen = sources.map(() => new Set<number>())
  const killed = deaths.filter(({ pid }) => pid !== 'postgres').sort((a, b) => a.at - b.at)
  const result = { starvation: 0, starved: '', backlog: 0 }
  let waiting = 0
  let busy = 0
  let lastAt = from
  let idleTime = 0
  let workTime = 0
  let steadyWaiting = 0
  let together = { from: 0, until: 0 }
  let togetherSince: number | undefined

  const tenantOf = (source: SourceHistory, n: number): Tenant => {
    const name = tenantIn(source, n)
    let tenant = tenants.get(name)
    if (!tenant) {
      tenant = { name, waiting: 0, running: 0, hungrySince: Number.POSITIVE_INFINITY }
      if (source.played.source.steady) tenant.calls = []
      tenants.set(name, tenant)
    }
    return tenant
  }
  const integrate = (at: number) => {
    const [a, b] = [Math.max(from, lastAt), Math.min(until, at)]
    if (b > a && waiting > 0) {
      idleTime += Math.min(slots - busy, waiting) * (b - a)
      workTime += slots * (b - a)
    }
    lastAt = Math.max(lastAt, at)
  }
  const fed = (tenant: Tenant, at: number) => {
    const since = Math.max(from, tenant.hungrySince)
    tenant.hungrySince = Number.POSITIVE_INFINITY
    if (at > until || at - since <= result.starvation) return
    result.starvation = at - since
    result.starved = tenant.name
  }
  const stopTogether = (at: number) => {
    if (togetherSince !== undefined && at - togetherSince > together.until - together.from)
      together = { from: togetherSince, until: at }
    togetherSince = undefined
  }
  const changeWaiting = (tenant: Tenant, by: 1 | -1, at: number) => {
    tenant.waiting += by
    waiting += by
    if (at >= from && at <= until) result.backlog = Math.max(result.backlog, waiting)
    if (!tenant.calls) return
    if (by === 1 && tenant.waiting === 1 && ++steadyWaiting === steady) togetherSince = at
    if (by === -1 && tenant.waiting === 0 && steadyWaiting-- === steady) stopTogether(at)
  }
  const over = (call: { tenant: Tenant; at: number }, at: number) => {
    busy--
    call.tenant.running--
    call.tenant.calls?.push({ from: call.at, until: at })
    if (call.tenant.running === 0 && call.tenant.waiting > 0) call.tenant.hungrySince = at
  }
  const bury = (pid: number | 'postgres', at: number) => {
    integrate(at)
    for (const [n, calls] of running) {
      for (const call of calls.filter((one) => one.pid === pid)) over(call, at)
      running.set(
        n,
        calls.filter((one) => one.pid !== pid),
      )
    }
  }

  for (const { what, n, at, pid } of steps) {
    while (killed[0] && killed[0].at <= at) bury(killed[0].pid, killed.shift()!.at)
    const source = sources[sourceOf(n)]!
    // Nobody but the store knows when what failed is ready again: such tenants are not waited for.
    const known = source.played.source.ending === undefined
    const tenant = tenantOf(source, n)
    integrate(at)
    if (what === 'ready') {
      // The reply to its add may be read after it has started.
      if (!known || seen[sourceOf(n)]!.has(n)) continue
      changeWaiting(tenant, 1, at)
      if (tenant.running === 0 && tenant.waiting === 1) tenant.hungrySince = at
    } else if (what === 'started') {
      if (known && !seen[sourceOf(n)]!.has(n)) {
        seen[sourceOf(n)]!.add(n)
        if (source.ready[n - source.played.first]! <= at) changeWaiting(tenant, -1, at)
      }
      if (tenant.running++ === 0) fed(tenant, at)
      busy++
      running.set(n, [...(running.get(n) ?? []), { tenant, pid, at }])
    } else {
      const calls = running.get(n) ?? []
      const call = calls.find((one) => one.pid === pid)
      if (!call) continue
      if (calls.length === 1) running.delete(n)
      else
        running.set(
          n,
          calls.filter((one) => one !== call),
        )
      over(call, at)
    }
  }
  stopTogether(until)
  for (const tenant of tenants.values()) if (tenant.hungrySince < until) fed(tenant, until)

  const window = { from: together.from + settleMs, until: Math.min(together.until, until) }
  const comparedMs = Math.max(0, window.until - window.from)
  const served = [...tenants.values()].flatMap(({ calls }) => (calls ? [timeIn(calls, window)] : []))
  return {
    ...result,
    jain: steady > 1 && comparedMs >= minMs ? jainIndex(served) : undefined,
    comparedMs,
    idle: workTime > 0 ? idleTime / workTime : 0,
  }
}

function timeIn(calls: { from: number; until: number }[], window: { from: number; until: number }): number {
  return calls.reduce(
    (sum, call) => sum + Math.max(0, Math.min(call.until, window.until) - Math.max(call.from, window.from)),
    0,
  )
}

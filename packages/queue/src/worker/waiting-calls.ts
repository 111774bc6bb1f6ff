import { numberOption } from '../api/options.ts'
import type { WorkerOptions } from '../api/types.ts'
import type { ByteAccount } from '../common/byte-ledger.ts'
import type { Call } from './handler-call.ts'
import type { LaneTenant } from './lanes/lane-tenant.ts'
import type { HeldPage } from './lanes/ready-job.ts'

/** Whoever answers sooner is waited for in the slot: taking it back and forth would cost more, and fairness is the same as ever. */
export const patienceMs = 100

/** For how long a call has waited. */
export interface WaitingCall {
  lane: string
  tenant: string
  ms: number
}

/** What a worker does when a call gives its slot back. */
export interface WaitingHost {
  /** Bytes of the pages that waiting calls hold. */
  bytes: ByteAccount
  /** Where the same bytes are charged as long as none of the page's calls waits. */
  prefetch: ByteAccount
  /** The same of a call's payloads. */
  payloads: ByteAccount
  /** A slot is free. */
  onSlotFreed: (call: Call) => void
  /** One waiting call fewer, of a tenant that had enough of them (`wasFull`) or not. */
  onSlotRetaken: (call: Call, wasFull: boolean) => void
}

/**
 * Calls that only wait for somebody else: a server's answer. The contract:
 *
 * - A call whose every part waits ({@link JobContext.waitFor}) for longer than {@link patienceMs} gives its slot back. It goes on
 *   being a call: its jobs stay leased, its signal, its time limit, cancelling and shutdown hold as ever.
 * - It takes a slot again the moment one of its parts works, also when none is free: it waits for nobody, so no two calls can wait
 *   for each other. Until as many have ended, nothing new starts.
 * - Two limits say who is *started*, of kinds of jobs that were seen to wait: `maxWaiting` calls in all, `maxWaitingPerTenant` of a
 *   tenant in a lane, one each from half of `maxWaiting` on. None says who may wait: a call that waits never keeps a slot. So there
 *   are never more than `maxWaiting` and twice `concurrency` calls. At the limit such kinds pause until one ends. Others go on:
 *   ingestion does not depend on anybody's mail server.
 * - The tenant pays for the time in the slot alone.
 * - The bytes of pages that waiting calls hold are charged to an account of their own, `waiting`, as large as `prefetch`: a lane
 *   goes on claiming whatever waits. When it is full, it is as if `maxWaiting` was reached.
 */
export class WaitingCalls {
  readonly #host: WaitingHost
  readonly #max: number
  readonly #maxPerTenant: number
  readonly #calls = new Set<Call>()
  /** Pages of waiting calls, and how many calls hold them. */
  readonly #pages = new Map<HeldPage, number>()
  /** Names of jobs whose calls were seen to wait. */
  readonly #kinds = new Set<string>()

  constructor(options: WorkerOptions, host: WaitingHost) {
    this.#host = host
    this.#max = numberOption('maxWaiting', options.maxWaiting, 256, { least: 1, most: 100_000 })
    this.#maxPerTenant = numberOption('maxWaitingPerTenant', options.maxWaitingPerTenant, 4, {
      least: 1,
      most: 100_000,
    })
  }

  get size(): number {
    return this.#calls.size
  }

  /** Every part of the call waits. */
  begin(call: Call): void {
    if (call.over) return
    this.#kinds.add(call.name)
    call.waitTimer = setTimeout(() => this.#freeSlot(call), patienceMs)
  }

  /** A part of the call works again, or the call is over. */
  end(call: Call): void {
    clearTimeout(call.waitTimer)
    const wasFull = this.isFull(call.tenant)
    if (!this.#calls.delete(call)) return
    call.slotSince = performance.now()
    this.#charge(call, -1)
    call.lane.retakeSlot(call)
    this.#host.onSlotRetaken(call, wasFull)
  }

  #freeSlot(call: Call): void {
    const now = performance.now()
    call.slotMs += now - call.slotSince
    call.waitingSince = now
    this.#calls.add(call)
    this.#charge(call, 1)
    call.lane.freeSlot(call, call.slotMs)
    this.#host.onSlotFreed(call)
  }

  /** Moves the bytes of the call's pages and payloads from (1) or back to (-1) the accounts by which others are held up. */
  #charge(call: Call, change: 1 | -1): void {
    this.#host.bytes.note(change * call.payloadBytes)
    this.#host.payloads.release(change * call.payloadBytes)
    for (const page of new Set(call.jobs.map((job) => job.page))) {
      const before = this.#pages.get(page) ?? 0
      const now = before + change
      if (now === 0) this.#pages.delete(page)
      else this.#pages.set(page, now)
      if (now !== (change === 1 ? 1 : 0)) continue
      call.lane.bufferedBytes -= change * page.bytes
      this.#host.prefetch.note(-change * page.bytes)
      this.#host.bytes.note(change * page.bytes)
    }
  }

  /** Time the call held a slot. */
  slotMs(call: Call, now: number): number {
    return this.#calls.has(call) ? call.slotMs : call.slotMs + now - call.slotSince
  }

  isWaiting(call: Call): boolean {
    return this.#calls.has(call)
  }

  /** Whether jobs of the name may start, as far as waiting calls go. */
  mayStart(tenant: LaneTenant, name: string): boolean {
    if (!this.#kinds.has(name)) return true
    const isFull = this.size >= this.#max || this.#host.bytes.used >= this.#host.bytes.limit
    return !isFull && !this.isFull(tenant)
  }

  /** More of it would only wait. */
  isFull(tenant: LaneTenant): boolean {
    return tenant.waiting >= (this.size < this.#max / 2 ? this.#maxPerTenant : 1)
  }

  /** Those that wait now. */
  report(): WaitingCall[] {
    const now = performance.now()
    return [...this.#calls].map(({ lane, tenant, waitingSince }) => ({
      lane: lane.name,
      tenant: tenant.name,
      ms: now - waitingSince,
    }))
  }
}

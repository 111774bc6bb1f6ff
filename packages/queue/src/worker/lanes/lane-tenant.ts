import type { ClaimedPage } from '../../stores/store.ts'
import { CostEstimate } from './costs.ts'

/** The cost of a job in ms that a store gives when it has learned nothing yet. */
const unlearned = 1

/** Below this difference in ms the store is not told: its estimate is close enough to be fair, and a write saved. */
const reportFromMs = 20

/** What a lane of one worker knows of a tenant while jobs of it are in memory. */
export class LaneTenant {
  readonly name: string
  weight = 1
  /** Jobs in memory: waiting or running. */
  jobs = 0
  /** Handler calls under way. */
  calls = 0
  /** Those of them that gave their slot back to wait for somebody else. */
  waiting = 0
  /** Handler calls that may be under way, by `maxInFlight`. */
  grant = Number.POSITIVE_INFINITY
  /** Jobs started a second at most; 0: no limit. */
  perSecond = 0
  /** Nothing of it starts before, epoch ms by the store's clock. */
  openAt = 0
  /** Out of the order of service, for whatever reason. */
  parked = false
  /** Passed over for the moment, because others wait or room is kept. */
  passedOver = false
  /** Of any job: what the store is told. */
  readonly cost: CostEstimate
  readonly #costs = new Map<string, CostEstimate>()
  /** Difference between true and charged cost that was not reported to the store yet, in ms. */
  #unreportedMs = 0

  constructor(page: ClaimedPage) {
    this.name = page.tenant
    this.cost = new CostEstimate(page.cost, page.cost !== unlearned)
    this.learnControls(page)
  }

  /** Controls may have changed since its earlier pages were claimed. */
  learnControls({ weight, grant, pace }: ClaimedPage): void {
    this.weight = weight
    this.grant = grant ?? Number.POSITIVE_INFINITY
    this.perSecond = pace?.perSecond ?? 0
    if (pace) this.openAt = Math.max(this.openAt, pace.from)
  }

  /** Slots that its calls hold. */
  get slots(): number {
    return this.calls - this.waiting
  }

  /** Claiming more of it at the same time would not run more of it. */
  get isLimited(): boolean {
    return this.perSecond > 0 || this.grant !== Number.POSITIVE_INFINITY
  }

  /** Estimate for jobs of this tenant with this name: kinds of jobs differ more than tenants do. */
  costOf(jobName: string): CostEstimate {
    let cost = this.#costs.get(jobName)
    if (!cost) {
      cost = new CostEstimate(this.cost.ms, this.cost.known && this.#costs.size === 0)
      this.#costs.set(jobName, cost)
    }
    return cost
  }

  /** Adds a difference between true and charged cost. Returns what the store should be told now, if anything. */
  costToReport(difference: number): { cost: number; difference: number } | undefined {
    this.#unreportedMs += difference
    if (Math.abs(this.#unreportedMs) < reportFromMs) return undefined
    const report = { cost: this.cost.ms, difference: this.#unreportedMs }
    this.#unreportedMs = 0
    return report
  }
}

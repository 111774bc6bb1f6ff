import { CostEstimate } from './costs.ts'
import type { ClaimedPage } from './store.ts'

/** The cost of a job in ms that a store gives when it has learned nothing yet. */
const unlearned = 1

/** What a lane of one worker knows of a tenant while jobs of it are in memory. */
export class LaneTenant {
  readonly name: string
  readonly weight: number
  /** Jobs in memory: waiting or running. */
  jobs = 0
  /** Handler calls under way. */
  calls = 0
  /** Handler calls that may be under way, by `maxInFlight`. */
  readonly grant: number
  /** Jobs started a second at most; 0: no limit. */
  readonly perSecond: number
  /** Nothing of it starts before, epoch ms by the store's clock. */
  openAt = 0
  /** Out of the order of service, for whatever reason. */
  parked = false
  /** Passed over for the moment, because others wait or room is kept. */
  sidelined = false
  /** Of any job: what the store is told. */
  readonly cost: CostEstimate
  readonly #costs = new Map<string, CostEstimate>()
  /** Difference between true and charged cost that the store does not know of yet, in ms. */
  untold = 0

  constructor(page: ClaimedPage) {
    this.name = page.tenant
    this.weight = page.weight
    this.cost = new CostEstimate(page.cost, page.cost !== unlearned)
    this.grant = page.grant ?? Number.POSITIVE_INFINITY
    this.perSecond = page.pace?.perSecond ?? 0
    if (page.pace) this.openAt = page.pace.from
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
}

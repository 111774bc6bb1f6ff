import type { ProcessState } from './messages.ts'

/** What this process was told by its supervisor; without one nothing. */
export class ProcessView {
  /** Every process of the supervisor, a quarter of a second old. */
  states: ProcessState[] = []
  /** The share of the time that work which yields leaves to accepting, 0 to 1. */
  standBackShare = 0
}

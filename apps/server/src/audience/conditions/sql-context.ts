import type { TriggerFacts } from './facts.ts'
import type { Parameters } from './parameters.ts'
import type { Zones } from './zones.ts'

/** What everything in a statement about `people p` shares. */
export interface SqlContext {
  parameters: Parameters
  /** Place of the project's id. */
  project: string
  now: Date
  trigger?: TriggerFacts
  /** Where conditions ask for them. */
  zones?: Zones
}

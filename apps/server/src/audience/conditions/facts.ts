import type { Recipient } from '../people/lookup.ts'
import type { Properties } from './values.ts'

/** The event that made us look. */
export interface TriggerFacts {
  id: string
  at: Date
  properties: Properties
}

/** Where conditions ask for nothing but times, `id` and `properties` are empty. */
export interface EventFact {
  id: string
  /** Epoch ms. */
  at: number
  properties: Properties
}

/** One message that left; times are epoch ms. */
export interface MessageFact {
  campaignId: number | null
  templateId: number | null
  sentAt: number | null
  openedAt: number | null
  clickedAt: number | null
}

/** Everything an evaluation may know of one person; see `load-facts.ts` for where it comes from. */
export interface Facts {
  now: Date
  person: Recipient
  /** Absent where there is no trigger (segments): its conditions are then false, and "since the trigger" counts none. */
  trigger?: TriggerFacts
  /** By folded name, in no order; those that conditions ask for. */
  events: ReadonlyMap<string, readonly EventFact[]>
  messages: readonly MessageFact[]
  /** Manual segments that the person is in. Dynamic ones were expanded into their conditions (`expand.ts`). */
  segments: ReadonlySet<number>
  /** The project's time zone, for people who have none; where conditions ask for it. */
  timezone?: string
  /** Answers of the database by condition, for people with too much history to bring here. */
  decided?: ReadonlyMap<object, Decided>
  /** Properties of the person read as instants so far: many conditions ask for the same few. */
  instants?: Map<string, number | undefined>
}

export interface Decided {
  holds: boolean
  /** As `nextChange` says it; epoch ms. */
  due: number
}

export type FactsTest = (facts: Facts) => boolean

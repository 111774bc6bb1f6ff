import type { Json } from '@fairway/queue'

/** How a request names a person. At least one member is present. */
export interface PersonRef {
  /** The product's own id, always a string (numbers are converted on acceptance). */
  id?: string
  /** Used as the id when there is no id. */
  email?: string
  /** The id is an address that serves as one, until an id comes with it; of references that Fairway makes itself. */
  provisional?: true
  /** Found by the address alone; of references that Fairway makes itself. */
  byAddress?: true
  /** Segment's anonymousId; an item with both ids makes the anonymous person known. */
  anonymousId?: string
}

export interface Device {
  type: 'push'
  address: string
  platform?: string
}

interface Common {
  person: PersonRef
  /** When it happened by the sender's clock, epoch ms; never later than acceptance. Decides which write is newer. */
  at: number
  /** When it was accepted, epoch ms by our clock. Duplicate windows are measured with it. */
  acceptedAt: number
  /** Of an import: what somebody opted out of stays so, whatever the item says. False: the item may give it back, and it is told. */
  keepsOptOuts?: boolean
  /** What the sender should know though the item is taken: listed among the project's rejects. */
  note?: string
  /** 'track_api' | 'segment' | 'customer_io' | 'rest' | 'import' … */
  source: string
}

/** Create or update a person. */
export interface IdentifyItem extends Common {
  kind: 'identify'
  email?: string | null
  phone?: string | null
  timezone?: string | null
  language?: string | null
  /** Merged; null removes a property. */
  properties?: Record<string, Json>
  tags?: { add: string[]; remove: string[] }
  devices?: Device[]
  removeDevices?: string[]
  topics?: Record<string, boolean>
  subscribed?: boolean
  /** Since when a person who is new is known, epoch ms; default acceptedAt. */
  createdAt?: number
  /** Never create the person. */
  updateOnly?: boolean
  /** Duplicate key; see {@link EventItem.dedupe}. */
  dedupe?: Dedupe
}

export interface Dedupe {
  /** Hashed into `ingest_keys`; unique per project within the window. */
  key: string
  windowMs: number
}

/** Something a person did. Creates the person when absent. */
export interface EventItem extends Common {
  kind: 'event'
  name: string
  properties: Record<string, Json>
  /** Person data that came along with the event (email, traits). */
  traits?: { email?: string; phone?: string; properties?: Record<string, Json> }
  dedupe?: Dedupe
}

export interface TagsItem extends Common {
  kind: 'tags'
  add: string[]
  remove: string[]
}

/** `from` becomes an alias of `to`; two existing people are merged. */
export interface MergeItem extends Common {
  kind: 'merge'
  /** The surviving person is `person`; this one is merged into it. */
  from: PersonRef
  /** Customer.io's rule: values of `person` stay, older or not, and those of `from` fill what is not there. */
  keepsPrimary?: true
}

export interface SubscriptionItem extends Common {
  kind: 'subscription'
  subscribed: boolean
}

/** Suppress (never send again, whatever the class) or lift a suppression. */
export interface SuppressionItem extends Common {
  kind: 'suppression'
  suppressed: boolean
}

/** Erase a person: properties, events, messages. */
export interface DeleteItem extends Common {
  kind: 'delete'
  /** For the receipt: who asked; `source` otherwise. */
  requestedBy?: string
}

export type IngestItem =
  | IdentifyItem
  | EventItem
  | TagsItem
  | MergeItem
  | SubscriptionItem
  | SuppressionItem
  | DeleteItem

/**
 * A call that its batch was accepted without. It is no work: processing only notes it in `ingest_rejects`, where the people
 * who sent it find the reason. Of its data it keeps what tells which call it was.
 */
export interface RejectedItem {
  kind: 'rejected'
  person: PersonRef
  acceptedAt: number
  source: string
  reason: string
  call: { type?: string; name?: string; id?: string }
}

/** An event as stored, handed to triggers in the transaction that stored it. */
export interface StoredEvent {
  id: string
  personId: number
  name: string
  foldedName: string
  properties: Record<string, Json>
  occurredAt: Date
  receivedAt: Date
}

/** Capitals, spaces, underscores and dashes do not tell two event names apart. */
export const foldName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ')

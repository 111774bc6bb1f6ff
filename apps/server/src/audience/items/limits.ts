import type { App } from '../../platform/app.ts'
import { fewValues } from '../../platform/json-structure.ts'

/** What one request may carry. */
export interface IngestLimits {
  /** One event or profile, as sent, in bytes. */
  eventBytes: number
  /** One request after decompression, in bytes. */
  batchBytes: number
  /** Items in one batch. */
  batchItems: number
}

/**
 * What the clients of each API may send by the documentation of those who wrote them, so that none of them loses what it
 * made with its defaults. The configuration replaces the numbers in all three.
 */
const documented = {
  track: { eventBytes: 32_768, batchBytes: 512_000, batchItems: 2_500 },
  // Three vendors speak it: Segment's calls end at 32 KB, Customer.io's at 64; RudderStack's batches end at 4 MB and have no
  // number of calls.
  segment: { eventBytes: 65_536, batchBytes: 4 * 1024 * 1024, batchItems: 20_000 },
  // A profile may have 100 KB.
  customerIo: { eventBytes: 102_400, batchBytes: 512_000, batchItems: 2_500 },
} satisfies Record<string, IngestLimits>

export const limitsOf = ({ config }: App, api: keyof typeof documented): IngestLimits => ({
  eventBytes: config.maxEventBytes ?? documented[api].eventBytes,
  batchBytes: config.maxBatchBytes ?? documented[api].batchBytes,
  batchItems: config.maxBatchEvents ?? documented[api].batchItems,
})

/** Objects, lists, texts and so on in one body: a batch of ordinary calls has more than ten bytes for each. */
export const maxValues = ({ batchBytes }: IngestLimits, batch: boolean): number =>
  batch ? Math.max(fewValues, Math.floor(batchBytes / 10)) : fewValues

/** Browsers put their key into the body. They send no more than this at once. */
const browserBytes = 512_000

/** Until it is known who sends a body: that of one event holds nothing that is taken beyond the event's size. */
export const keylessLimits = (limits: IngestLimits, batch: boolean): IngestLimits => ({
  ...limits,
  batchBytes: Math.min(limits.batchBytes, batch ? browserBytes : 2 * limits.eventBytes),
})

/** Ids and names of events are shorter than this, in characters, wherever they come in. */
export const nameLength = 255

/** Ids of before that are longer still lead to their people. More does not fit into an index of PostgreSQL. */
export const maxStoredIdLength = 1_000

/** Objects and arrays inside one another in one item. */
export const maxDepth = 20

/** Keys and array elements in one item, all levels together. */
export const maxKeys = 2_000

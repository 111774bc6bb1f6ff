import type { App } from '../app.ts'

/** What one request may carry. The configured defaults are Segment's, so that its clients' own limits fit. */
export interface IngestLimits {
  /** One event or profile, as sent, in bytes. */
  eventBytes: number
  /** One request after decompression, in bytes. */
  batchBytes: number
  /** Items in one batch. */
  batchItems: number
}

export const limitsOf = ({ config }: App): IngestLimits => ({
  eventBytes: config.maxEventBytes,
  batchBytes: config.maxBatchBytes,
  batchItems: config.maxBatchEvents,
})

/** Ids, email addresses and event names are shorter than this, in characters. */
export const nameLength = 255

/** Objects and arrays inside one another in one item. */
export const maxDepth = 20

/** Keys and array elements in one item, all levels together. */
export const maxKeys = 2_000

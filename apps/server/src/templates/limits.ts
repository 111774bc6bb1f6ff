/** Characters of one template part, and of one rendered part. */
export const maxTemplateLength = 1_000_000
export const maxRenderedLength = 4_000_000

/** Time and memory that one mail may take from its template to its bytes, headers and subject included. */
export const mailLimits = { timeMs: 2_000, heapMb: 128 }
export type MailLimits = typeof mailLimits

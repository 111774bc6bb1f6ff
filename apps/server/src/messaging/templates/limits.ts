/** Characters of one template part, and of one rendered part. */
export const maxTemplateLength = 1_000_000
export const maxRenderedLength = 4_000_000

/** What one mail may take from its template to its bytes, headers and subject included. */
export interface MailLimits {
  timeMs: number
  heapMb: number
}
export const mailHeapMb = 128

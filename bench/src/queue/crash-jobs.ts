/** What the processes of the crash bench agree upon. */
export const lane = 'crash'
/** Short, so that the work of killed processes soon comes back. */
export const leaseMs = 2_000

/** Found again in the stored pages by {@link idPattern}. */
export const jobId = (n: number) => `job-${n}`
export const idPattern = /"job-(\d+)"/g

/**
 * Names of the streams within a head: `''` ordinary jobs, `p1` … `p3` a priority, `k<key>` the jobs of a key.
 * A name says all there is to know of a stream, so that stores need no further columns for it.
 */
export const keyStream = (key: string): string => `k${key}`
export const priorityStream = (priority: number): string => `p${priority}`

/** At most one page of an exclusive stream is leased at a time. */
export const isExclusive = (stream: string): boolean => stream.startsWith('k')
export const keyOf = (stream: string): string | undefined =>
  isExclusive(stream) ? stream.slice(1) : undefined
export const priorityOf = (stream: string): number => (stream.startsWith('p') ? Number(stream.slice(1)) : 0)

/** A job of priority n goes ahead of ordinary ones that came up to n times this much earlier; so priorities age. */
export const priorityStepMs = 60_000

const dayMs = 86_400_000

/** What a condition may hold. */
export const limits = {
  /** Groups inside groups. */
  maxDepth: 10,
  /** Conditions in the whole tree, groups and filters included. */
  maxConditions: 100,
  maxNameLength: 255,
  maxTextLength: 1_000,
  /** Of `one_of` and of what else takes a list. */
  maxValues: 100,
  maxCount: 10_000,
  /** Numbers beyond it are left out of sums and averages. */
  maxAmount: 1e12,
  /** What sums and averages are compared with. */
  maxTotal: 1e15,
  /** Of an anniversary: any day of a year. */
  maxDaysAhead: 365,
  /** Ten years. */
  maxDurationMs: 3_650 * dayMs,
} as const

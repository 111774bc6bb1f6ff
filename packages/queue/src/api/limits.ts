/** What a job may have. Documented in the README. */
export const limits = {
  /** Longest lane, tenant, name, key and dedupe key, in characters. */
  nameLength: 200,
  idLength: 64,
  /** Largest encoded job in bytes. */
  jobBytes: 1024 * 1024,
  /** Payloads above this many bytes are kept beside the page: a page stays small to claim whatever its jobs carry. */
  inlineBytes: 64 * 1024,
  /** Longest window of a dedupe key: 31 days. */
  dedupeMs: 31 * 86_400_000,
  /** Longest delay, snooze or backoff, and longest interval of a schedule: ten years. */
  delayMs: 3_650 * 86_400_000,
} as const

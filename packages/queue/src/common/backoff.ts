import type { RetryPolicy } from '../api/types.ts'

export const defaultRetry: Required<RetryPolicy> = { maxAttempts: 10, baseMs: 1_000, maxMs: 3_600_000 }

/**
 * Exponential backoff with full jitter: uniform in (0, base · 2^(attempt − 1)], capped. Jitter keeps a thousand jobs that
 * failed together from coming back together.
 */
export function backoffMs(
  attempt: number,
  policy: Required<RetryPolicy>,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt - 1, 40))
  return Math.max(1, Math.ceil(ceiling * random()))
}

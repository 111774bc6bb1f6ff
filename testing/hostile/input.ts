import type { Tenant } from './tenant.ts'

/** One thing that a hostile tenant does. */
export interface Input {
  name: string
  /** What it once did, or might do, to everybody else. */
  why: string
  /** Settings that the server needs for it; it gets one of its own then. */
  env?: Record<string, string>
  /** It leaves work behind that a restarted server takes up: the small suite, too, restarts the server after it. */
  lasts?: boolean
  /**
   * Does it. All replies are noted and judged by the suite; what `play` throws is the verdict as well, for answers that are
   * wrong without being errors.
   */
  play(tenant: Tenant, scale: Scale): Promise<void>
}

export interface Scale {
  /** The small suite runs in CI, beside everything else. */
  readonly large: boolean
  /** A size: as the small or as the large suite has it. */
  of(small: number, large: number): number
  /** Aborted when the input has had its time. */
  readonly signal: AbortSignal
}

/** Does the same many times, a few at a time. */
export async function many(count: number, atOnce: number, act: (index: number) => Promise<unknown>) {
  let next = 0
  const lane = async () => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane))
}

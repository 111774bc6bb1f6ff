import type { Logger } from 'pino'

export interface Closing {
  add(part: string, close: () => Promise<unknown>): void
  /** Idempotent; resolves when everything is closed. */
  run(): Promise<void>
}

/** Closes in the reverse order of opening, each part even when one before it failed to close. */
export function closeInReverse(log: Logger): Closing {
  const parts: { part: string; close: () => Promise<unknown> }[] = []
  let closed: Promise<void> | undefined

  async function closeAll() {
    for (const { part, close } of parts.reverse()) {
      await close().catch((error: unknown) => log.error({ err: error, part }, 'did not close cleanly'))
    }
  }
  return {
    add: (part, close) => void parts.push({ part, close }),
    run: () => (closed ??= closeAll()),
  }
}

import type { AsyncLocalStorage } from 'node:async_hooks'
import type { App } from '../platform/app.ts'
import { type Auth, authOf } from './auth.ts'

let callsUnderWay = 0

/**
 * The one way to call better-auth.
 *
 * Its calls run inside AsyncLocalStorage, and on Node 20 the first such call switches on async hooks for every promise of
 * the process, for good: ingestion then took 20 % fewer requests a second. Between calls nothing is stored there, so the
 * storages are switched off; the next call switches them on again by itself. (From Node 24 on they cost nothing.)
 */
export async function withAuth<T>(app: App, call: (auth: Auth) => Promise<T>): Promise<T> {
  callsUnderWay++
  try {
    return await call(authOf(app))
  } finally {
    if (--callsUnderWay === 0) for (const storage of storagesOfBetterAuth()) storage.disable()
  }
}

/** It keeps them in one global object, under this symbol, so that copies of the library share them. */
function storagesOfBetterAuth(): AsyncLocalStorage<unknown>[] {
  const shared = (globalThis as Record<symbol, unknown>)[Symbol.for('better-auth:global')]
  const context = (shared as { context?: Record<string, unknown> } | undefined)?.context ?? {}
  return Object.values(context).filter(
    (value): value is AsyncLocalStorage<unknown> =>
      typeof (value as Partial<AsyncLocalStorage<unknown>> | null)?.disable === 'function',
  )
}

import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiError } from './client.ts'

/** Refusals stay refusals; only trouble that passes by itself is worth another try. */
const isTransient = (error: Error) =>
  !(error instanceof ApiError) || error.status === 429 || error.status >= 500

/** The project reads as much at once as it may: that passes within seconds, and is no failure. */
export const isBusy = (error: Error | null) => error instanceof ApiError && error.code === 'busy'
const maxBusyTries = 20

/** For requests that are dear: only what was not even begun is asked again. */
export const retryWhileBusy = (failures: number, error: Error) => isBusy(error) && failures < maxBusyTries

export const isSignedOut = (error: Error) => error instanceof ApiError && error.status === 401

export function createQueryClient(): QueryClient {
  // An expired session empties the cached one, and the layout then shows the sign-in page.
  const onError = (error: Error) => {
    if (isSignedOut(error)) client.setQueryData(['session'], null)
    // Somebody's role was changed meanwhile: what they may do is read again.
    if (error instanceof ApiError && typeof error.problem.right === 'string')
      void client.invalidateQueries({ queryKey: ['projects'] })
  }
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        // A server of one's own answers without the internet, and failing is how its absence is noticed.
        networkMode: 'always',
        staleTime: 10_000,
        retry: (failures, error) => retryWhileBusy(failures, error) || (failures < 2 && isTransient(error)),
        retryDelay: (attempt, error) =>
          error instanceof ApiError && error.retryAfterSeconds
            ? Math.min(error.retryAfterSeconds, 30) * 1000
            : Math.min(1000 * 2 ** attempt, 8000),
      },
    },
  })
  return client
}

import type { Store } from './store.ts'
import type { DeadLetterFilter, Redrive } from './types.ts'

/** Letters per store call. */
const chunk = 500

/** Retries the letters, oldest work last; with `perSecond` their due times are spread, so that they come back gently. */
export async function redrive(
  store: Store,
  which: DeadLetterFilter | string[],
  { perSecond }: Redrive,
): Promise<number> {
  const now = store.now()
  let count = 0
  const dueAt = () => (perSecond ? now + Math.floor((count / perSecond) * 1_000) : now)
  for await (const refs of chunksOf(store, which)) {
    const letters = refs.map((ref) => {
      const letter = { ref, dueAt: dueAt() }
      count++
      return letter
    })
    const retried = await store.retryDead(letters)
    count -= refs.length - retried
  }
  return count
}

export async function discard(store: Store, which: DeadLetterFilter | string[]): Promise<number> {
  let count = 0
  for await (const refs of chunksOf(store, which)) count += await store.discardDead(refs)
  return count
}

/** What matches now; letters that arrive meanwhile are newer and not met. */
async function* chunksOf(store: Store, which: DeadLetterFilter | string[]): AsyncGenerator<string[]> {
  if (Array.isArray(which)) {
    for (let from = 0; from < which.length; from += chunk) yield which.slice(from, from + chunk)
    return
  }
  let after = which.after
  for (;;) {
    const letters = await store.deadLetters({ ...which, ...(after && { after }), limit: chunk })
    if (letters.length === 0) return
    after = letters.at(-1)!.ref
    yield letters.map(({ ref }) => ref)
  }
}

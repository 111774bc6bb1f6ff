import { numberOption } from '../api/options.ts'
import type { DeadLetterFilter, Redrive } from '../api/types.ts'
import type { Store } from '../stores/store.ts'

/** Letters per store call. */
const chunk = 500

/** Retries the letters, oldest work last; with `perSecond` their due times are spread, so that they come back gently. */
export async function redrive(
  store: Store,
  which: DeadLetterFilter | string[],
  { perSecond }: Redrive,
): Promise<number> {
  numberOption('perSecond', perSecond, 0, { least: 1e-6, most: 1e9, whole: false })
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
  if (which.refs) {
    // Not page by page: each page would look all of them up.
    const refs = [...new Set(which.refs)]
    for (let from = 0; from < refs.length; from += chunk) {
      const some = { ...which, refs: refs.slice(from, from + chunk) }
      const letters = await store.deadLetters({ ...some, limit: chunk, withData: false })
      if (letters.length > 0) yield letters.map(({ ref }) => ref)
    }
    return
  }
  let after = which.after
  for (;;) {
    const query = { ...which, ...(after && { after }), limit: chunk, withData: false }
    const letters = await store.deadLetters(query)
    if (letters.length === 0) return
    after = letters.at(-1)!.ref
    yield letters.map(({ ref }) => ref)
  }
}

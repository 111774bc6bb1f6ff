import { loadFirstEntries, type PersonEntry } from '../../audience/people/list.ts'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { integerShape, type Page, readCursor, writeCursor } from '../../platform/db/cursor.ts'
import { type Chosen, ChosenPeople } from './chosen.ts'

/** People looked at by one request at most. */
const maxExamined = 20_000
/** Then a request ends with what it has. */
const maxMs = 1_500
/** The first look, which is often enough. Every next one is twice as far. */
const firstLook = 500

export interface FoundPage extends Page<PersonEntry> {
  /** People looked at. */
  examined: number
}

/**
 * The people who are meant, newest first. A page may hold fewer than `limit`, or nobody, while `nextCursor` is not null:
 * where few are meant, a request ends after 20,000 people or a second and a half.
 */
export async function findChosen(
  reading: Reading,
  projectId: number,
  chosen: Chosen,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<FoundPage> {
  let after = cursor === undefined ? null : Number(readCursor(cursor, integerShape)[0])
  const people = await ChosenPeople.of(reading, projectId, chosen)
  const found: number[] = []
  let examined = 0
  const startedAt = performance.now()
  for (let most = firstLook; ; most *= 2) {
    most = Math.min(most, maxExamined - examined)
    const looked = await people.look({ after, most, newestFirst: true })
    examined += looked.examined
    found.push(...looked.ids)
    if (looked.examined < most) {
      after = null
      break
    }
    after = looked.last
    if (found.length > limit || examined >= maxExamined || performance.now() - startedAt > maxMs) break
  }
  const shown = found.slice(0, limit)
  const { items, through } = await loadFirstEntries(reading, projectId, shown)
  const next = found.length > through ? shown[through - 1]! : after
  return {
    items,
    nextCursor: next === null ? null : writeCursor(String(next)),
    examined,
  }
}

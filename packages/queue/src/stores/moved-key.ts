import type { NewPage } from '../pages/page.ts'

/** A load that is repeated comes within this time, or the move was given up. */
const rememberedMs = 31 * 86_400_000

/** What a record that may be loaded twice is told apart by; see {@link Store.load}. */
export function movedKey(
  origin: string,
  section: 'scheduled' | 'dead',
  ref: string,
  now: number,
): NonNullable<NewPage['unique']> {
  return { key: `moved:${origin}:${section}:${ref}`, until: now + rememberedMs, id: ref }
}

/** Keys of earlier moves: nobody else asks for them. */
export const isMovedKey = (key: string): boolean => /^moved:[\w-]+:(scheduled|dead):/.test(key)

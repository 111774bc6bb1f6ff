import type { NewPage } from '../../store.ts'

/** The parallel arrays $1–$10 of `sql/append.ts`. A page without a due time is ready now. */
export function pageColumns(pages: readonly NewPage[]): unknown[] {
  const followers: number[] = new Array(pages.length)
  const seen = new Map<string, number>()
  for (let index = pages.length - 1; index >= 0; index--) {
    const page = pages[index]!
    const place = page.stream
      ? `${page.lane}\u0000${page.tenant}\u0000${page.stream}`
      : `${page.lane}\u0000${page.tenant}`
    const after = seen.get(place) ?? 0
    followers[index] = after
    if (page.dueAt === undefined) seen.set(place, after + 1)
  }
  return [
    pages.map((page) => page.lane),
    pages.map((page) => page.tenant),
    pages.map((page) => page.jobs),
    pages.map((page) => page.bytes),
    Buffer.from(pages.length === 1 ? pages[0]!.body : pages.map((page) => page.body).join('')),
    pages.map((page) => page.dueAt ?? null),
    pages.map((page) => page.alone ?? false),
    followers,
    pages.map((page) => page.stream),
    pages.map((page) => page.firstAt ?? null),
  ]
}

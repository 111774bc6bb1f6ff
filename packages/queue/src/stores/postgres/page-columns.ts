import type { NewPage } from '../../pages/page.ts'
import { int4Array, textArray } from './binary-arrays.ts'

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

/**
 * $1–$12 of the statement `appendReady`: the pages, sorted by head, and their heads. Where every page has a head of its own
 * the heads' columns are those of the pages (null).
 */
export function readyColumns(pages: readonly NewPage[]): (Buffer | null)[] {
  const sorted = pages.length > 1 ? pages.toSorted(byHeadInBytes) : pages
  const places: number[] = new Array(pages.length)
  const followers: number[] = new Array(pages.length).fill(0)
  const heads: NewPage[] = []
  const sizes: number[] = []
  for (const [index, page] of sorted.entries()) {
    const previous = sorted[index - 1]
    if (previous && byHeadInBytes(previous, page) === 0) sizes[sizes.length - 1]!++
    else {
      heads.push(page)
      sizes.push(1)
    }
    places[index] = heads.length
  }
  const all = columnsOf(sorted)
  const common = [...all.names, int4Array(all.jobs), int4Array(all.bytes)]
  const bodies = textArray(
    sorted.map((page) => page.body),
    sum(all.bytes),
  )
  if (heads.length === sorted.length)
    return [...common, bodies, int4Array(places), int4Array(followers), null, null, null, null, null]
  const jobs: number[] = []
  const bytes: number[] = []
  let end = 0
  for (const size of sizes) {
    const from = end
    end += size
    jobs.push(sum(all.jobs.slice(from, end)))
    bytes.push(sum(all.bytes.slice(from, end)))
    for (let index = from; index < end; index++) followers[index] = end - 1 - index
  }
  return [
    ...common,
    bodies,
    int4Array(places),
    int4Array(followers),
    ...columnsOf(heads).names,
    int4Array(sizes),
    int4Array(jobs),
    int4Array(bytes),
  ]
}

const columnsOf = (pages: readonly NewPage[]) => ({
  names: [textArray(pages.map((page) => page.lane)), textArray(pages.map((page) => page.tenant))],
  jobs: pages.map((page) => page.jobs),
  bytes: pages.map((page) => page.bytes),
})

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

const byHeadInBytes = (a: NewPage, b: NewPage) => compare(a.lane, b.lane) || compare(a.tenant, b.tenant)

/** As PostgreSQL's collation "C" does: by bytes of UTF-8. The engine compares by UTF-16, which differs for surrogates only. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  if (surrogate.test(a) || surrogate.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : 1
}
const surrogate = /[\ud800-\udfff]/

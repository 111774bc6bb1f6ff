/**
 * Clients make addresses of a base and a path. A base with a slash at its end makes two, and some people write capitals; the
 * vendors' own servers take both. So do we, where an API of theirs begins, and nowhere else: what `normal-path.ts` refuses, in
 * REST, in the console and in what leads to signing in, stays refused.
 */

/** Paths almost always have none of this: one look at them is all that they cost. One name has a capital, and is misspelt without. */
const misspelt = /\/\/|[A-Z]|^\/sourceconfig/

interface Family {
  /** Written as its routes are. */
  prefix: string[]
  /** Behind it every other segment is a value, beginning with the first; otherwise all are names. */
  values?: boolean
}

const customerIoNames = [
  'accounts',
  'campaigns',
  'events',
  'forms',
  'merge_customers',
  'metrics',
  'push',
  'segments',
  'send',
]

const families: Family[] = [
  { prefix: ['api', 'v2'] },
  { prefix: ['api', 'v1', 'customers'], values: true },
  ...customerIoNames.map((name) => ({ prefix: ['api', 'v1', name] })),
  { prefix: ['v1', 'projects'], values: true },
  { prefix: ['v1'] },
  { prefix: ['beacon', 'v1'] },
  ...['sourceConfig', 'heartbeat', 'fairway.js', 'm.js'].map((name) => ({ prefix: [name] })),
]

/** The URL as the routes of the vendors' APIs have it; every other URL as it is. */
export function dialectUrl(url: string): string {
  const end = url.indexOf('?')
  const path = end === -1 ? url : url.slice(0, end)
  if (!misspelt.test(path)) return url
  const segments = path.split('/')
  for (const family of families) {
    const rest = behind(segments, family.prefix)
    if (rest === undefined) continue
    const names = family.values
      ? rest.map((text, i) => (i % 2 === 0 ? text : text.toLowerCase()))
      : rest.filter(Boolean).map((name) => name.toLowerCase())
    return ['', ...family.prefix, ...names].join('/') + url.slice(path.length)
  }
  return url
}

/** The segments behind the prefix; undefined where the path begins otherwise. */
function behind(segments: string[], prefix: string[]): string[] | undefined {
  if (segments[0] !== '') return undefined
  let at = 0
  for (const name of prefix) {
    while (segments[at] === '') at++
    if (segments[at]?.toLowerCase() !== name.toLowerCase()) return undefined
    at++
  }
  return segments.slice(at)
}

/**
 * Ids that are none: what programs put where they have no id. Taken at their word they would make one person of everybody
 * whom such a program speaks of, and merged, for ever. Compared without case. Documented in docs/concepts.md.
 */
export const noIds: ReadonlySet<string> = new Set([
  ...['null', '(null)', '<null>', 'nil', '<nil>', 'none', 'undefined', 'nan', 'void'],
  ...['[object object]', 'true', 'false', '0', '-1', '00000000-0000-0000-0000-000000000000'],
  ...['anonymous', 'guest', 'unknown', 'n/a', 'n.a.', 'n.a', 'not_authenticated', 'unauthenticated'],
  ...['#n/a', '#nv', '#n/d', '#n/v', 'not available', 'not applicable', 'not set', '(not set)'],
  ...['id', 'user_id', 'userid', 'distinct_id', 'distinctid', 'anonymous_id', 'anonymousid', 'email'],
])

/** Marks of an empty cell: `-`, `--`, `—`, `?`, `...`. */
const marks = /^[-–—_.?*#/]+$/
/** How spreadsheets show errors, in the language of who made the file: `#REF!`, `#NAME?`, `#WERT!`. */
const spreadsheetError = /^#[^\s#]{1,30}[!?]$/

/** Spaces around it and quotes, as of a text that was written as JSON twice, don't make an id of it. */
export function isNoId(id: string): boolean {
  const text = bare(id)
  // In another case it may be somebody's name.
  return noIds.has(text.toLowerCase()) || text === 'NA' || marks.test(text) || spreadsheetError.test(text)
}

export const noIdReason = (id: string): string =>
  `is ${JSON.stringify(id.slice(0, 60))}, which is no id: programs send it where they have none. Send the real id, or leave it out`

const quotes = ['""', "''", '``', '“”', '‘’', '«»']
const plain = /^[ -~]*$/

function bare(text: string): string {
  const trimmed = (plain.test(text) ? text : visible(text)).trim()
  const isQuoted = trimmed.length > 1 && quotes.includes(trimmed[0]! + trimmed.at(-1))
  return isQuoted ? trimmed.slice(1, -1).trim() : trimmed
}

/** Wide letters are letters, and what nobody sees (a zero-width space, a soft hyphen) makes no other word. */
const visible = (text: string) => text.replace(/\p{Cf}/gu, '').normalize('NFKC')

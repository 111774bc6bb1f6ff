/** NUL and halves of surrogate pairs as JSON.stringify writes them. */
const unstorable = /u(?:0000|d[89a-f][0-9a-f]{2})/y

/** JSON text for a jsonb column; characters that PostgreSQL can't hold become U+FFFD. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value)
  if (!text.includes('\\u')) return text
  const kept: string[] = []
  let from = 0
  // One escape after the other: an escaped backslash before `u0000` is not taken for a part of one.
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at + 2)) {
    unstorable.lastIndex = at + 1
    if (!unstorable.test(text)) continue
    kept.push(text.slice(from, at))
    from = at + 6
  }
  kept.push(text.slice(from))
  return kept.join('\ufffd')
}

/** Text for a text column. */
export const storableText = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed()

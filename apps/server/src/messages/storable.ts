/** PostgreSQL stores neither NUL nor half of a surrogate pair; JSON.stringify writes both as these escapes. */
const unstorable = /(?<=(?:^|[^\\])(?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g

/** JSON text for a jsonb column; characters that it can't hold become U+FFFD. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value)
  return text.includes('\\u') ? text.replace(unstorable, '\ufffd') : text
}

/** Text for a text column. */
export const storableText = (text: string): string =>
  text.replaceAll('\0', '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd')

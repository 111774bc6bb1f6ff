/** In characters: a name is a part of one line. */
const longest = 100

export const shortened = (text: string): string => [...text.slice(0, longest * 2)].slice(0, longest).join('')

/** As a name in a header can be. The marks of values in senders, see messaging/templates/sender.ts, are none. */
export const onOneLine = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029\uE000\uE001]+/gu, ' ').trim()

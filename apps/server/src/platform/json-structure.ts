import { type ApiError, tooLarge } from './errors.ts'

/** Nothing this short holds enough to matter. */
const shortBytes = 8_192
/** More than any item may have within any body, so that the check of items can name the place in ordinary mistakes. */
const deepest = 100
/** Ten times as many as one item may have keys: what is a little too large is parsed, and its place named. */
export const fewValues = 20_000

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

/**
 * Looks at JSON text before anything is made of it: a kilobyte of compressed brackets becomes a million objects. Counted are
 * commas and opening brackets outside of strings, at least one for each value but the first.
 *
 * @param refuse how bodies are refused that are nested too deeply
 * @returns values, about
 * @throws {ApiError} 413 beyond `values`
 */
export function boundStructure(
  bytes: Uint8Array,
  values: number,
  refuse: (message: string) => ApiError,
): number {
  if (bytes.length <= shortBytes) return 0
  let seen = 0
  let depth = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte === quote) {
      i = endOfString(bytes, i + 1)
      continue
    }
    // `[` and `{` differ in one bit, and so do their counterparts.
    const folded = byte | 0x20
    if (byte === comma) seen++
    else if (folded === 0x7b) {
      seen++
      if (++depth > deepest) throw refuse(`The body is nested deeper than ${deepest} levels; flatten it`)
    } else if (folded === 0x7d) depth--
    else continue
    if (seen > values) throw tooLarge(`The body has more than ${values} values; send less in one request`)
  }
  return seen
}

function endOfString(bytes: Uint8Array, from: number): number {
  let i = from
  for (; i < bytes.length && bytes[i] !== quote; i++) if (bytes[i] === backslash) i++
  return i
}

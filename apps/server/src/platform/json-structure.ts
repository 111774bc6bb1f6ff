import { type ApiError, tooLarge } from './errors.ts'

/** Nothing this short holds enough to matter. */
const shortBytes = 8_192
/** More than any item may have within any body, so that the check of items can name the place in ordinary mistakes. */
export const deepest = 100
/** Ten times as many as one item may have keys: what is a little too large is parsed, and its place named. */
export const fewValues = 20_000

export const quote = 0x22
const backslash = 0x5c
export const comma = 0x2c
/** `[` and `{` differ in one bit, and so do their counterparts. */
const fold = 0x20
export const bracketsOpen = 0x7b
export const bracketsClose = 0x7d

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
    const folded = byte | fold
    if (byte === comma) seen++
    else if (folded === bracketsOpen) {
      seen++
      if (++depth > deepest) throw refuse(`The body is nested deeper than ${deepest} levels; flatten it`)
    } else if (folded === bracketsClose) depth--
    else continue
    if (seen > values) throw tooLarge(`The body has more than ${values} values; send less in one request`)
  }
  return seen
}

export function endOfString(bytes: Uint8Array, from: number): number {
  let i = from
  for (; i < bytes.length && bytes[i] !== quote; i++) if (bytes[i] === backslash) i++
  return i
}

/** Whether brackets hold nothing but blanks; `open` is -1 where something else was seen after the last one that opens. */
export function isEmptyBetween(bytes: Uint8Array, open: number, close: number): boolean {
  if (open === -1) return false
  let i = close - 1
  while (i > open && bytes[i]! <= 0x20) i--
  return i === open
}

/**
 * The beginning of an object or a list as JSON of its own, with a few members more than `most`: enough to be told where there
 * are too many. What has no more comes whole.
 */
export function beginningOf(bytes: Uint8Array, most: number): { text: string; isWhole: boolean } {
  const closing: string[] = []
  let members = 0
  let openAt = -1
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte === quote) {
      i = endOfString(bytes, i + 1)
      continue
    }
    const folded = byte | fold
    if (byte === comma) {
      if (members > most)
        return { text: textOf(bytes.subarray(0, i)) + closing.reverse().join(''), isWhole: false }
      members++
      openAt = -1
    } else if (folded === bracketsOpen) {
      closing.push(byte === bracketsOpen ? '}' : ']')
      members++
      openAt = i
    } else if (folded === bracketsClose) {
      if (isEmptyBetween(bytes, openAt, i)) members--
      openAt = -1
      closing.pop()
    }
  }
  return { text: textOf(bytes), isWhole: members <= most }
}

const textOf = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')

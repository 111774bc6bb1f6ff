import type { Json } from '@fairway/queue'
import type { Parameters } from './parameters.ts'

/**
 * Text without regard to case, told alike by this process and by any PostgreSQL, whatever its version, locale and ICU: in NFC,
 * letter by letter, by a table that statements bring along. As Unicode's simple case folding, except that i with a dot and
 * without are the same: which of them is whose capital differs from country to country.
 */
export function foldCase(text: string): string {
  if (isAscii(text)) return text.toLowerCase()
  const { letters } = table()
  let folded = ''
  for (const letter of text.normalize('NFC')) folded += letters.get(letter) ?? letter
  // Many programs make an i with a dot beside it of İ. And small letters may compose where capitals do not.
  return folded.replaceAll(/i\u0307+/g, 'i').normalize('NFC')
}

const isAscii = (text: string) => /^[\0-\x7f]*$/.test(text)

/** Folds what is text, and the texts in a list. */
export function foldValue<Value extends Json | undefined>(value: Value): Value {
  if (typeof value === 'string') return foldCase(value) as Value
  if (!Array.isArray(value)) return value
  return value.map((one) => (typeof one === 'string' ? foldCase(one) : one)) as Value
}

/** The counterpart of {@link foldCase}. ASCII has as many characters as bytes, and `lower` is told to fold nothing else. */
export function foldTextSql(text: string, parameters: Parameters): string {
  const { from, to } = table()
  const letters = `translate(normalize(${text}, NFC), ${parameters.add(from, 'text')}, ${parameters.add(to, 'text')})`
  const folded = `regexp_replace(${letters}, ${parameters.add('i\u0307+', 'text')}, 'i', 'g')`
  return `(case when octet_length(${text}) = length(${text}) then lower(${text} collate "C") else normalize(${folded}, NFC) end)`
}

/** The same of a jsonb expression, where it is text. */
export const foldJsonSql = (value: string, parameters: Parameters): string =>
  `(case when jsonb_typeof(${value}) = 'string' then to_jsonb(${foldTextSql(`(${value} #>> '{}')`, parameters)}) else ${value} end)`

/** Where Unicode has letters with case, from and to. */
const blocks = [
  [0x41, 0x2dff],
  [0xa640, 0xabff],
  [0xff00, 0xffff],
  [0x10400, 0x118ff],
  [0x16e00, 0x16fff],
  [0x1e900, 0x1e9ff],
] as const

interface Table {
  letters: Map<string, string>
  /** The same for `translate`. */
  from: string
  to: string
}

let made: Table | undefined
const table = (): Table => (made ??= makeTable())

function makeTable(): Table {
  const letters = new Map<string, string>()
  for (const letter of inBlocks(blocks)) {
    const folded = foldLetter(letter)
    if (folded !== letter) letters.set(letter, folded)
  }
  // PostgreSQL looks for each character from the front: what most texts are made of stands there, though it stays as it is.
  const small = inBlocks(common).filter((letter) => !letters.has(letter))
  const kept = [...'abcdefghijklmnopqrstuvwxyz 0123456789-.,', ...small].join('')
  return {
    letters,
    from: kept + [...letters.keys()].join(''),
    to: kept + [...letters.values()].join(''),
  }
}

/** Small letters of Latin, Greek and Cyrillic. */
const common = [
  [0xdf, 0xff],
  [0x430, 0x45f],
  [0x3ac, 0x3ce],
] as const

const inBlocks = (ranges: readonly (readonly [number, number])[]): string[] =>
  ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, place) => String.fromCodePoint(first + place)),
  )

function foldLetter(letter: string): string {
  if (letter === 'İ') return 'i'
  const upper = letter.toUpperCase()
  const lower = (isOne(upper) ? upper : letter).toLowerCase()
  return isOne(lower) ? lower : letter
}

const isOne = (text: string) => [...text].length === 1

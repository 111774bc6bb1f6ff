import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { type Expression, expressionsOf, expressionsOfSources } from './expressions.ts'

/** The build of plain JavaScript, which has no types of its own: the other one starts Java or a binary. */
const { checkSync } = createRequire(import.meta.url)('recheck/lib/browser.js') as {
  checkSync(source: string, flags: string, options: typeof judgement): Diagnosis
}

type Diagnosis =
  | { status: 'safe' | 'unknown' }
  | { status: 'vulnerable'; complexity: { type: string }; attack: { pattern: string } }

/** Judged by steps alone, so that a slow machine judges as a fast one does. */
const judgement = { timeout: null, attackTimeout: null, incubationTimeout: null, randomSeed: 1 }

/** Not linear, but only ever given text of a bounded length. */
const bounded: { file: string; source: string; most: number; why: string }[] = []

/** Not linear, and about to be replaced by scanners. Nothing is added here. */
const beingReplaced = [
  'apps/server/src/exports/download.ts',
  'apps/server/src/imports/detect.ts',
  'apps/server/src/imports/values.ts',
  'apps/server/src/messages/storable.ts',
  'apps/server/src/sources/query.ts',
  'apps/server/src/templates/filters.ts',
  'apps/server/src/templates/plain-text.ts',
  'apps/server/src/templates/render.ts',
]

const holes = { quote: ['"', "'"] }

test('every regular expression of the server takes time that grows with its input, not with the square of it', () => {
  const expressions = distinct(
    expressionsOfSources(holes).filter(
      (expression) => !isBounded(expression) && !beingReplaced.includes(expression.file),
    ),
  )
  expect(expressions.length).toBeGreaterThan(100)
  const faults = expressions.map(faultOf).filter((fault) => fault !== undefined)
  expect(faults).toEqual([])
}, 600_000)

test('what is excepted is still there', () => {
  const expressions = expressionsOfSources(holes)
  for (const { file, source } of bounded)
    expect(expressions).toContainEqual(expect.objectContaining({ file, source }))
})

test.each([
  ['exponential', '/^(a|a)*$/'],
  ['exponential', '/^(\\w+\\s?)*$/'],
  ['polynomial', '/<body\\b[^>]*>/i'],
  ['polynomial', '/\\s+$/'],
  ['polynomial', "new RegExp('a*b')"],
  ['polynomial', "Type.String({ pattern: 'a*b' })"],
  ['polynomial', "text.match('a*b')"],
])('the checker finds what is %s: %s', (kind, code) => {
  const [expression] = expressionsOf('made-up.ts', code)
  expect(faultOf(expression!)).toContain(kind)
})

test('an expression put together at run time is refused, unless its parts are named', () => {
  const code = ['const made = new RegExp(`^$', '{part}+$`)'].join('')
  expect(() => expressionsOf('made-up.ts', code)).toThrow('write a literal')
  expect(expressionsOf('made-up.ts', code, { part: ['a', 'b'] }).map(({ source }) => source)).toEqual([
    '^a+$',
    '^b+$',
  ])
})

function faultOf({ file, line, source, flags }: Expression): string | undefined {
  const found = checkSync(source, flags, judgement)
  if (found.status === 'safe') return undefined
  const why = found.status === 'vulnerable' ? `${found.complexity.type}: ${found.attack.pattern}` : 'unknown'
  return `${file}:${line} /${source}/${flags} is ${why}`
}

const isBounded = ({ file, source }: Expression) =>
  bounded.some((exception) => exception.file === file && exception.source === source)

/** One expression may stand in several places. */
const distinct = (expressions: Expression[]) => [
  ...new Map(
    expressions.map((expression) => [`${expression.source}/${expression.flags}`, expression]),
  ).values(),
]

import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { distinct, type Expression, expressionsOf, expressionsOfSources } from './expressions.ts'
import { bounded, isBounded } from './known.ts'

/** The build of plain JavaScript, which has no types of its own: the other one starts Java or a binary. */
const { checkSync } = createRequire(import.meta.url)('recheck/lib/browser.js') as {
  checkSync(source: string, flags: string, options: typeof judgement): Diagnosis
}

type Diagnosis =
  | { status: 'safe' | 'unknown' }
  | { status: 'vulnerable'; complexity: { type: string }; attack: { pattern: string } }

/** Judged by steps alone, so that a slow machine judges as a fast one does. */
const judgement = { timeout: null, attackTimeout: null, incubationTimeout: null, randomSeed: 1 }

test('every regular expression of the server takes time that grows with its input, not with the square of it', () => {
  const expressions = distinct(expressionsOfSources().filter((expression) => !isBounded(expression)))
  expect(expressions.length).toBeGreaterThan(100)
  const faults = expressions.map(faultOf).filter((fault) => fault !== undefined)
  expect(faults).toEqual([])
}, 600_000)

test('what is excepted is still there', () => {
  const expressions = expressionsOfSources()
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

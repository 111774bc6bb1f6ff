import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { foldCase, foldTextSql } from '../../../src/audience/conditions/fold-case.ts'
import { Parameters } from '../../../src/audience/conditions/parameters.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())

test.each([
  ['Straße', 'STRAẞE'],
  ['İSTANBUL', 'istanbul'],
  ['I\u0307STANBUL', 'ıstanbul'],
  ['ISPARTA', 'ısparta'],
  // As JavaScript makes it small.
  ['İstanbul', 'i\u0307stanbul'],
  ['ΟΔΟΣ', 'οδος'],
  ['οδοσ', 'οδος'],
  ['CAFE\u0301', 'café'],
  ['H\u0331', '\u1e96'],
  ['МОСКВА', 'москва'],
  ['\u212a', 'k'],
  ['Ꮳ', 'ꮳ'],
  ['𐐀', '𐐨'],
])('%s is %s', (a, b) => {
  expect(foldCase(a)).toBe(foldCase(b))
})

test.each([
  ['ß', 'ss'],
  ['é', 'e'],
  ['ﬁ', 'fi'],
])('%s is not %s', (a, b) => {
  expect(foldCase(a)).not.toBe(foldCase(b))
})

const letters = fc.constantFrom(...'iIİıßẞsSΣσςéÉe\u0301\u0307KkÅåa\u030aǅǆЖж𐐀𐐨\u00b5μ')
const text = fc.oneof(
  fc.string({ unit: letters }),
  fc.string({ unit: 'binary' }).map((one) => one.replaceAll('\0', '')),
)

test('folded twice is folded once, and a text in capitals is the same as it was', () => {
  fc.assert(
    fc.property(text, (one) => {
      expect(foldCase(foldCase(one))).toBe(foldCase(one))
      // Some capitals are two letters, and the iota below a letter becomes one beside it.
      const isOne = (letter: string) => letter !== '\u0345' && [...letter.toUpperCase()].length === 1
      if ([...one.normalize('NFC')].every(isOne)) expect(foldCase(one.toUpperCase())).toBe(foldCase(one))
    }),
    { numRuns: 1_000 },
  )
})

test('PostgreSQL folds the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 50, maxLength: 50 }), async (texts) => {
      const parameters = new Parameters()
      const folded = texts.map((one) => foldTextSql(parameters.add(one, 'text'), parameters))
      const { rows } = await database.pool.query<{ folded: string[] }>(
        `select array[${folded.join(', ')}] as folded`,
        parameters.values,
      )
      expect(rows[0]!.folded).toEqual(texts.map(foldCase))
    }),
    { numRuns: 40 },
  )
})

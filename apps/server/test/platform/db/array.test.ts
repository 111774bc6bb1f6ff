import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { numberArray, textArray } from '../../../src/platform/db/array.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ migrate: false })
})
afterAll(() => database.drop())

const awkward = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
  fc.stringMatching(/^[\\"{},' \n]*$/),
  fc.constantFrom('NULL', 'null', ''),
)

it('gives any texts and numbers to PostgreSQL as they are', async () => {
  const texts = fc.array(fc.option(awkward), { maxLength: 20 })
  const numbers = fc.array(fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true })), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(texts, numbers, async (words, values) => {
      const { rows } = await database.pool.query('select $1::text[] as words, $2::float8[] as values', [
        textArray(words),
        numberArray(values),
      ])
      expect(rows[0].words).toEqual(words)
      expect(rows[0].values.map((value: number) => value + 0)).toEqual(values.map((value) => value + 0))
    }),
    { numRuns: 200 },
  )
})

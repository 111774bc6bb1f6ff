import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../../../../testing/postgres.ts'
import { assignments, type Sql, sql } from '../../../src/platform/db/sql.ts'

describe('sql', () => {
  it('numbers its values', () => {
    const { text, values } = sql`select ${'a'} where b = ${2} and c = any(${[3]})`
    expect(text).toBe('select $1 where b = $2 and c = any($3)')
    expect(values).toEqual(['a', 2, [3]])
  })

  it('numbers on within what it is put into', () => {
    const inner = sql`b = ${2} or b = ${3}`
    const { text, values } = sql`select ${1} where (${inner}) and d = ${4} ${sql`limit 5`}`
    expect(text).toBe('select $1 where (b = $2 or b = $3) and d = $4 limit 5')
    expect(values).toEqual([1, 2, 3, 4])
  })

  it('names columns only as ours are named', () => {
    const { text, values } = sql`update t set ${assignments({ a: 1, b: undefined, c: null })} where id = ${7}`
    expect(text).toBe('update t set a = $1, c = $2 where id = $3')
    expect(values).toEqual([1, null, 7])
    expect(() => assignments({ 'a = 1; --': 1 })).toThrow('is no name of a column')
    expect(() => assignments({ a: undefined })).toThrow('No column is given')
  })

  it('gives PostgreSQL every value unchanged, however parts are put together', async () => {
    const database = await createTestDatabase({ migrate: false })
    const hostile = fc.oneof(
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      fc.constantFrom(`'; drop table t; --`, '$1', '$2 or', '\\'),
    )
    type Tree = string | Tree[]
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, hostile, fc.array(tie('tree') as fc.Arbitrary<Tree>, { maxLength: 4 })),
    }))
    const build = (node: Tree): Sql =>
      typeof node === 'string'
        ? sql`array[${node}::text]`
        : node.reduce<Sql>((before, one) => sql`${before} || ${build(one)}`, sql`'{}'::text[]`)
    const leaves = (node: Tree): string[] => (typeof node === 'string' ? [node] : node.flatMap(leaves))
    try {
      await fc.assert(
        fc.asyncProperty(tree, async (node) => {
          const { rows } = await database.pool.query(sql`select ${build(node)} as found`)
          expect(rows[0].found).toEqual(leaves(node))
        }),
      )
    } finally {
      await database.drop()
    }
  })
})

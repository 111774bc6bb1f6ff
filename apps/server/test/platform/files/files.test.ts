import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { withTransaction } from '../../../src/platform/db/transaction.ts'
import {
  appendStream,
  appendToFile,
  createFile,
  deleteFile,
  findFile,
  readFile,
} from '../../../src/platform/files/files.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())

const append = (id: number, offset: number, content: Buffer) =>
  withTransaction(database.pool, (client) => appendToFile(client, 1, id, offset, content))

async function read(id: number, offset = 0): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readFile(database.pool, 1, id, offset)) pieces.push(piece)
  return Buffer.concat(pieces)
}

it('gives back what was appended, from any byte on, whatever the pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
      fc.nat(100),
      async (pieces, from) => {
        const id = await createFile(database.pool, 1, 'some')
        const whole = Buffer.concat(pieces)
        let offset = 0
        for (const piece of pieces) offset = await append(id, offset, Buffer.from(piece))
        expect(offset).toBe(whole.length)
        const start = Math.min(from, whole.length)
        expect((await read(id, start)).equals(whole.subarray(start))).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})

it('splits a stream into chunks and stores them packed', async () => {
  const line = Buffer.from('id,email\n')
  const content = Buffer.concat([randomBytes(1_500_000), Buffer.alloc(4_000_000, line)])
  const id = await createFile(database.pool, 1, 'big.csv')
  async function* pieces() {
    for (let at = 0; at < content.length; at += 70_000) yield content.subarray(at, at + 70_000)
  }
  expect(await appendStream(database.pool, 1, id, 0, pieces())).toBe(content.length)
  expect((await read(id)).equals(content)).toBe(true)
  expect((await read(id, 5_000_001)).equals(content.subarray(5_000_001))).toBe(true)
  const file = await findFile(database.pool, 1, id)
  expect(file!.bytes).toBe(content.length)
  expect(file!.storedBytes).toBeLessThan(1_700_000)
})

it('keeps what came before a stream broke, and takes the rest from there', async () => {
  const id = await createFile(database.pool, 1, 'broken')
  async function* breaking() {
    yield Buffer.from('first ')
    throw new Error('the connection broke')
  }
  await expect(appendStream(database.pool, 1, id, 0, breaking())).rejects.toThrow('the connection broke')
  await append(id, 6, Buffer.from('second'))
  expect((await read(id)).toString()).toBe('first second')
})

it('refuses bytes for any other place than the end, and says where that is', async () => {
  const id = await createFile(database.pool, 1, 'twice')
  await append(id, 0, Buffer.from('abc'))
  await expect(append(id, 0, Buffer.from('abc'))).rejects.toMatchObject({
    status: 409,
    extra: { expectedOffset: 3 },
  })
  await expect(append(999_999, 0, Buffer.from('abc'))).rejects.toMatchObject({ status: 404 })
  expect((await read(id)).toString()).toBe('abc')
})

it('belongs to its project alone, and goes entirely', async () => {
  const id = await createFile(database.pool, 1, 'mine')
  await append(id, 0, Buffer.from('abc'))
  expect(await findFile(database.pool, 2, id)).toBeUndefined()
  await deleteFile(database.pool, 2, id)
  expect((await read(id)).toString()).toBe('abc')
  await deleteFile(database.pool, 1, id)
  expect(await read(id)).toHaveLength(0)
})

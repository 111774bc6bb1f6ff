import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Format } from '../../../src/exchange/imports/format.ts'
import { importLimits } from '../../../src/exchange/imports/format.ts'
import type { Row, RowPosition } from '../../../src/exchange/imports/row.ts'
import { readRows } from '../../../src/exchange/imports/rows.ts'
import { stringify } from './csv.ts'

const csv: Format = {
  type: 'csv',
  delimiter: ',',
  quote: '"',
  quoteEscape: 'doubled',
  header: false,
  encoding: 'utf-8',
  compression: 'none',
  start: 0,
  linesBefore: 0,
}
const ndjson: Format = { ...csv, type: 'ndjson' }
const beginning: RowPosition = { offset: 0, line: 1 }

async function readAll(
  file: Buffer,
  format: Format,
  { from = beginning, chunk = 1_048_576, batch = 1_000, columns = [] as string[] } = {},
): Promise<Row[]> {
  const bytes = async function* (offset: number) {
    for (let at = offset; at < file.length; at += chunk) yield file.subarray(at, at + chunk)
  }
  const reader = readRows(bytes, format, columns, from)
  const rows: Row[] = []
  for (;;) {
    const read = await reader.read(batch)
    if (!read) break
    expect(read.length).toBeLessThanOrEqual(batch)
    rows.push(...read)
  }
  await reader.close()
  return rows
}

const cell = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '',
    '"',
    '""',
    'a"b',
    'x,y',
    'two\nlines',
    'two\r\nlines',
    'é',
    '💡',
    '\r',
    ' spaced ',
    ';',
  ),
)

describe('rows of a CSV file', () => {
  it('are those that were written, whatever their cells hold and however the bytes come', async () => {
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom(',', ';', '\t', '|'),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (rows, newline, delimiter, chunk, closed) => {
          const file = stringify(rows, { newline, delimiter, closed })
          const read = await readAll(file, { ...csv, delimiter }, { chunk })
          expect(read.map(({ cells }) => cells)).toEqual(
            rows.filter((row) => row.some((one) => one.trim() !== '')),
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it('are the same from any place between two rows, in text of any kind', async () => {
    const mess = fc.array(
      fc.constantFrom('a', ',', '"', '\n', '\r\n', 'é', '💡', '""', 'b,c', '\n\n', ',"x\ny"', '\r'),
      { maxLength: 80 },
    )
    await fc.assert(
      fc.asyncProperty(mess, fc.integer({ min: 1, max: 30 }), async (parts, chunk) => {
        const file = Buffer.from(parts.join(''))
        const whole = await readAll(file, csv)
        for (const [index, { end, line }] of whole.entries()) {
          const rest = await readAll(file, csv, { from: { offset: end, line: line + 1 }, chunk })
          expect(rest).toEqual(whole.slice(index + 1))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('come one by one with the line they end in', async () => {
    const rows = await readAll(Buffer.from('a,1\n\n"b\nb",2\n,\nc,3'), csv)
    expect(rows).toEqual([
      { cells: ['a', '1'], end: 4, line: 1 },
      { cells: ['b\nb', '2'], end: 13, line: 4 },
      { cells: ['c', '3'], end: 18, line: 6 },
    ])
  })

  it('that leave a quote open cost themselves, not the rest', async () => {
    const long = `${'x'.repeat(60)}\n`.repeat(40_000)
    const rows = await readAll(Buffer.from(`a,1\nb,"2\nc,3\n${long}d,4\n`), csv, { chunk: 100_000 })
    expect(rows[1]).toMatchObject({
      cells: ['b,"2'],
      line: 2,
      broken: expect.stringMatching(/nothing closes/),
    })
    expect(rows.filter(({ broken }) => broken)).toHaveLength(1)
    expect(rows.length).toBe(40_004)
    expect(rows.at(-1)).toMatchObject({ cells: ['d', '4'], line: 40_004 })
  })

  it('that leave a quote open near the end cost themselves', async () => {
    const rows = await readAll(Buffer.from('a,1\n"b,2\nc,3'), csv)
    expect(rows.map(({ cells, broken }) => [cells, broken !== undefined])).toEqual([
      [['a', '1'], false],
      [['"b,2'], true],
      [['c', '3'], false],
    ])
  })

  it('that are longer than the limit are broken, without being kept', async () => {
    const huge = 'y'.repeat(importLimits.rowBytes + 10)
    const rows = await readAll(Buffer.from(`a,1\nb,${huge}\nc,3\n`), csv)
    expect(rows.map(({ cells, broken }) => [cells[0]!.toString().slice(0, 3), broken !== undefined])).toEqual(
      [
        ['a', false],
        ['b,y', true],
        ['c', false],
      ],
    )
    expect(String(rows[1]!.cells[0]).length).toBeLessThan(3_000)
  })

  it('with bytes that are no text are broken', async () => {
    const file = Buffer.concat([
      Buffer.from('a,é\nb,'),
      Buffer.from([0xe9]),
      Buffer.from('\nc,\0\nd,\ufffd\n'),
    ])
    const rows = await readAll(file, csv)
    expect(rows.map(({ broken }) => broken ?? '')).toEqual([
      '',
      expect.stringMatching(/cell 2 is not UTF-8/),
      expect.stringMatching(/cell 2 contains a NUL/),
      expect.any(String),
    ])
    expect((await readAll(Buffer.from('d,\ufffd\n'), csv))[0]!.broken).toBeUndefined()
  })
})

describe('rows of an NDJSON file', () => {
  it('are the values of the columns', async () => {
    const file = Buffer.from('{"a":1,"b":{"c":[2]}}\n\n  \n{"b":null,"__proto__":3}\r\n[1]\nno\n{"a":"é"}')
    const rows = await readAll(file, ndjson, { columns: ['a', 'b'], chunk: 3 })
    expect(rows.map(({ cells, line, broken }) => [line, broken ?? cells])).toEqual([
      [1, [1, { c: [2] }]],
      [4, [undefined, null]],
      [5, expect.stringMatching(/not a JSON object/)],
      [6, expect.stringMatching(/not JSON/)],
      [7, ['é', undefined]],
    ])
  })

  it('are the same from any place between two rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.json(), fc.constantFrom('', '{"a":1}', '{', '{"a":"💡"}\r')), { maxLength: 20 }),
        fc.integer({ min: 1, max: 30 }),
        async (lines, chunk) => {
          const file = Buffer.from(lines.join('\n'))
          const whole = await readAll(file, ndjson, { columns: ['a'] })
          for (const [index, { end, line }] of whole.entries()) {
            const from = { offset: end, line: line + 1 }
            expect(await readAll(file, ndjson, { from, chunk, columns: ['a'] })).toEqual(
              whole.slice(index + 1),
            )
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('that are too long are broken', async () => {
    const file = Buffer.from(`{"a":1}\n{"a":"${'z'.repeat(importLimits.rowBytes)}"}\n{"a":2}\n`)
    const rows = await readAll(file, ndjson, { columns: ['a'], chunk: 100_000 })
    expect(rows.map(({ broken }) => broken !== undefined)).toEqual([false, true, false])
  })
})

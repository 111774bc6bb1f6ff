import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Format } from '../../../src/exchange/imports/format.ts'
import type { Row } from '../../../src/exchange/imports/row.ts'
import { readRows } from '../../../src/exchange/imports/rows.ts'

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

async function readAll(text: string, format: Partial<Format> = {}, chunk = 1_048_576) {
  const file = Buffer.from(text)
  const bytes = async function* (offset: number) {
    for (let at = offset; at < file.length; at += chunk) yield file.subarray(at, at + chunk)
  }
  const reader = readRows(bytes, { ...csv, ...format }, [], { offset: 0, line: 1 })
  const rows: Row[] = []
  for (let read = await reader.read(1_000); read; read = await reader.read(1_000)) rows.push(...read)
  return { rows, blankLines: reader.blankLines, place: reader.place }
}

/** Cells of what was read, and the text of what was not. */
const outcome = ({ rows }: { rows: Row[] }) =>
  rows.map(({ cells, broken }) => (broken === undefined ? cells : `rejected: ${cells[0]}`))

describe('a quote that is not closed where it should be', () => {
  it('costs its own line, and no row behind it', async () => {
    const file = 'email,note\na@x,"5 inch\nb@x,x\nc@x,x\nd@x,"y"\ne@x,z\n'
    expect(outcome(await readAll(file))).toEqual([
      ['email', 'note'],
      'rejected: a@x,"5 inch',
      ['b@x', 'x'],
      ['c@x', 'x'],
      ['d@x', 'y'],
      ['e@x', 'z'],
    ])
  })

  it('costs its own line at the end of the file, too', async () => {
    expect(outcome(await readAll('a,1\nb,"2\nc,3\nd,4'))).toEqual([
      ['a', '1'],
      'rejected: b,"2',
      ['c', '3'],
      ['d', '4'],
    ])
  })

  it.each([
    ['"Bob" Smith,x\nb,y\n', ['rejected: "Bob" Smith,x', ['b', 'y']]],
    ['a,""x""\nb,y\n', ['rejected: a,""x""', ['b', 'y']]],
    // A text of several lines that is in order belongs to the row that is not.
    ['"a\nb","5 inch\nc,d\ne,"f"\n', ['rejected: "a\nb","5 inch', ['c', 'd'], ['e', 'f']]],
    [
      '5" nail,x\n6" nail,y\n',
      [
        ['5" nail', 'x'],
        ['6" nail', 'y'],
      ],
    ],
    [
      '"a"  , "b" \r\n c , d\n',
      [
        ['a', 'b'],
        [' c ', ' d'],
      ],
    ],
    ['"a"\r"b"\r"c" d\r"e"', [['a'], ['b'], 'rejected: "c" d', ['e']]],
  ])('%j', async (file, expected) => {
    expect(outcome(await readAll(file))).toEqual(expected)
  })

  it('tells the line and what to do', async () => {
    const { rows } = await readAll('x\n"a\nb","5 inch\n"c" d\n"e \\"f\\" g"\n"h\n')
    expect(rows.map(({ line, linesBefore, broken }) => [line, linesBefore, broken])).toEqual([
      [1, undefined, undefined],
      [3, 1, expect.stringMatching(/write quotes in a text twice \(lines 2 to 3\)$/)],
      [4, undefined, expect.stringMatching(/text follows the one that closes it/)],
      [5, undefined, expect.stringMatching(/escapes quotes by backslashes/)],
      [6, undefined, expect.stringMatching(/nothing closes/)],
    ])
  })
})

describe('escapes by backslash', () => {
  it.each([
    [
      '"say \\"hi\\"",1\n"C:\\\\",2\n"a""b",3\n"n\\n",4\n',
      [
        ['say "hi"', '1'],
        ['C:\\', '2'],
        ['a"b', '3'],
        ['n\\n', '4'],
      ],
    ],
    [
      '"two\\"\nlines",1\nb\\"c,2\n',
      [
        ['two"\nlines', '1'],
        ['b\\"c', '2'],
      ],
    ],
    ['"\\\\\\"",1\n"\\"",2\n"a" b\n', [['\\"', '1'], ['"', '2'], 'rejected: "a" b']],
  ])('%j', async (file, expected) => {
    for (const chunk of [1, 2, 3, 1_000])
      expect(outcome(await readAll(file, { quoteEscape: 'backslash' }, chunk))).toEqual(expected)
  })
})

const letters = (text: string) => text.replace(/[^a-z0-9]/g, '')
const linesIn = (text: string) => text.split(/\r\n|\n|\r/).length

describe('no byte vanishes', () => {
  const mess = fc.array(
    fc.constantFrom(
      'a',
      'b2',
      ',',
      '"',
      '""',
      '\n',
      '\r\n',
      '\r',
      ' ',
      '\\',
      '\\"',
      'c,d',
      '\n\n',
      ',"x\ny"',
      '"z"',
    ),
    { maxLength: 80 },
  )

  it('rows that were read, rows that were rejected and empty lines are all of a broken file', async () => {
    await fc.assert(
      fc.asyncProperty(
        mess,
        fc.constantFrom('doubled' as const, 'backslash' as const),
        fc.integer({ min: 1, max: 30 }),
        async (parts, quoteEscape, chunk) => {
          const text = parts.join('')
          const { rows, blankLines, place } = await readAll(text, { quoteEscape }, chunk)
          expect(place.offset).toBe(Buffer.byteLength(text))
          let from = 0
          let lines = 0
          for (const { cells, end, line } of rows) {
            // Nothing but what it says, and empty rows before it.
            expect(letters(cells.join(''))).toBe(letters(text.slice(from, end)))
            expect(line).toBeGreaterThan(lines)
            lines = line
            from = end
          }
          expect(letters(text.slice(from))).toBe('')
          const ended = text === '' || /[\r\n]$/.test(text) ? 1 : 0
          expect(place.line - 1).toBe(linesIn(text) - ended)
          const ofRows = rows.map(({ cells, broken, linesBefore = 0 }) =>
            broken === undefined ? linesIn(cells.join(' ')) : linesBefore + 1,
          )
          expect(ofRows.reduce((sum, one) => sum + one, blankLines)).toBe(place.line - 1)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('one wrong quote costs one row, wherever it stands', async () => {
    const word = fc.stringMatching(/^[a-z][a-z "]{0,6}[a-z]$/)
    const rows = fc.array(fc.tuple(word, word, word), { minLength: 1, maxLength: 12 })
    const quote = (text: string) => (text.includes('"') ? `"${text.replaceAll('"', '""')}"` : text)
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.nat(),
        fc.nat(2),
        fc.integer({ min: 1, max: 30 }),
        async (table, at, cell, chunk) => {
          const wrong = at % table.length
          const lines = table.map((cells) => cells.map(quote))
          lines[wrong]![cell] = `"${table[wrong]![cell]!.replaceAll('"', '')}`
          const file = `${lines.map((cells) => cells.join(',')).join('\n')}\n`
          expect(outcome(await readAll(file, {}, chunk))).toEqual(
            table.map((cells, index) => (index === wrong ? `rejected: ${lines[wrong]!.join(',')}` : cells)),
          )
        },
      ),
      { numRuns: 500 },
    )
  })
})

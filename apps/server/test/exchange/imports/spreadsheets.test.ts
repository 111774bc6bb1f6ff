import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detectFormat } from '../../../src/exchange/imports/detect.ts'
import type { Given } from '../../../src/exchange/imports/format.ts'
import { type Importer, startImporter } from './support.ts'

const lookAt = (text: string, given: Given = {}, whole = true) =>
  detectFormat(Buffer.from(text), whole, { encoding: 'utf-8', compression: 'none' }, given)

describe('the first rows tell', () => {
  it.each([
    ['Email;Name;;\na@x.example;Anna;;\n', ['Email', 'Name', 'column 3', 'column 4']],
    ['Email,Phone,Phone,Email\na@x.example,1,2,b@x.example\n', ['Email', 'Phone', 'Phone (2)', 'Email (2)']],
    ['sep=;\nemail;name\na@x.example;Anna\n', ['email', 'name']],
    ['\ufeffsep=^\r\nemail^name\r\na@x.example^x,y,z\r\n', ['email', 'name']],
    ['"sep=|"\nemail|name\na@x.example|x;y;z\n', ['email', 'name']],
  ])('the names of columns of %j', (text, columns) => {
    expect(lookAt(text)).toMatchObject({ columns, format: { header: true } })
  })

  it('as many columns as the widest row has, where nothing names them', () => {
    expect(lookAt('1,a@x.example\n2,b@x.example,Ben,Rome\n')).toMatchObject({
      columns: ['column 1', 'column 2', 'column 3', 'column 4'],
      format: { header: false },
    })
  })

  it.each([
    ['id,note\n1,"say \\"hi\\", please"\n2,x\n', 'backslash'],
    ['id,note\n1,"say ""hi"", please"\n2,x\n', 'doubled'],
    // A folder of Windows ends with one, and escapes nothing.
    ['id,note\n1,"C:\\temp\\"\n2,"D:\\"\n', 'doubled'],
    ['id,note\n1,a \\"b\\" c\n', 'doubled'],
  ])('how quotes are escaped in %j', (text, quoteEscape) => {
    expect(lookAt(text).format.quoteEscape).toBe(quoteEscape)
  })

  it('also where some of them are broken, or the sample ends inside of quotes', () => {
    const broken = 'id;note\n1;"5 inch\n2;x\n3;y,z,z\n4;"y"\n'
    expect(lookAt(broken)).toMatchObject({
      format: { delimiter: ';' },
      rows: [
        ['2', 'x'],
        ['3', 'y,z,z'],
        ['4', 'y'],
      ],
    })
    expect(lookAt('id;note\n1;x\n2;"first\nsecond', {}, false).rows).toEqual([['1', 'x']])
  })
})

describe('a spreadsheet', () => {
  let server: Importer
  let now = new Date('2026-06-12T12:00:00Z')
  beforeAll(async () => {
    server = await startImporter(() => (now = new Date(now.getTime() + 1_000)))
  })
  afterAll(() => server?.close())

  const find = async (id: string) =>
    (
      await server.sql(
        'select * from people where project_id = $1 and external_id = $2',
        server.projectId,
        id,
      )
    )[0]

  it('names its delimiter, drops delimiters at the end, and every line is accounted for', async () => {
    const file = [
      'sep=;',
      '',
      'id;email;city;note;;',
      's1;s1@x.example',
      's2;s2@x.example;Rome',
      ';;;',
      's3;s3@x.example;Rome;a;b;c;d',
      's4;s4@x.example;Rome;a;;;;;',
      's5;"5 inch;x',
      's6',
      's7;s7@x.example;Rome;a;;',
      's8;s8@x.example',
      '',
    ]
    const done = await server.run(`${file.join('\r\n')}\r\n`)
    expect(done.format).toMatchObject({ delimiter: ';', header: true, linesBefore: 1 })
    // Behind a wrong quote a short row may be the rest of a text.
    expect(await server.rejects(done.id)).toEqual([
      [7, null, 'has 7 cells; there are 6 columns'],
      [9, null, expect.stringMatching(/^a quote opens/)],
      [10, null, expect.stringMatching(/^may be the rest of a row before/)],
    ])
    expect(done.counts).toEqual({
      rows: 8,
      created: 5,
      updated: 0,
      unchanged: 0,
      optedOut: 0,
      rejected: 3,
      skipped: 5,
    })
    expect(done.counts.rows + done.counts.skipped).toBe(file.length)
    expect((await find('s1'))!.properties).toEqual({})
    expect((await find('s2'))!.properties).toEqual({ city: 'Rome' })
    expect(await find('s8')).toMatchObject({ email: 's8@x.example' })
  })

  it('leaves alone what a short row does not have, also when empty cells empty', async () => {
    await server.run('id,city,note\nt1,Rome,x\nt2,Rome,x\n')
    await server.run('id,city,note\nt1,Oslo\nt2,Oslo,\n', {}, { options: { overwriteEmpty: true } })
    expect((await find('t1'))!.properties).toEqual({ city: 'Oslo', note: 'x' })
    expect((await find('t2'))!.properties).toEqual({ city: 'Oslo' })
  })

  it('keeps a header behind rows that can not be read, and tells those', async () => {
    const done = await server.run('\n\n"wrong" one\nid,city\nv1,Rome\n')
    expect(done.columns.map(({ name }: { name: string }) => name)).toEqual(['id', 'city'])
    expect(await server.rejects(done.id)).toEqual([[3, null, expect.stringMatching(/^a quote opens/)]])
    expect(done.counts).toMatchObject({ rows: 2, created: 1, rejected: 1, skipped: 3 })
  })

  it('has days as numbers, which are offered as such and can be changed', async () => {
    const file =
      'id,Created at,Birthday,Renewal date,Seats\nd1,45000,19650505,46000.5,45000\nd2,45001,19660606,46001,45001\n'
    const ready = await server.upload(file)
    expect(ready.columns.map(({ guess }: { guess: object }) => guess)).toEqual([
      { to: 'id', type: 'text' },
      { to: 'created_at', type: 'serial_date' },
      { to: 'property:Birthday', type: 'date' },
      { to: 'property:Renewal date', type: 'serial_date' },
      { to: 'property:Seats', type: 'number' },
    ])
    await server.start(ready.id)
    expect(await find('d1')).toMatchObject({
      created_at: new Date('2023-03-15T00:00:00.000Z'),
      properties: {
        Birthday: '1965-05-05T00:00:00.000Z',
        'Renewal date': '2025-12-09T12:00:00.000Z',
        Seats: 45_000,
      },
    })
    const other = await server.run(
      file,
      {},
      { mapping: { id: { to: 'id' }, 'Created at': { to: 'created_at', type: 'date' } } },
    )
    expect((await server.rejects(other.id))[0]).toEqual([
      2,
      'Created at',
      expect.stringMatching(/^is not a date: ISO/),
    ])
  })
})

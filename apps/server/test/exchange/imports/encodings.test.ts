import iconv from 'iconv-lite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodingOf } from '../../../src/exchange/imports/encoding.ts'
import type { Encoding } from '../../../src/exchange/imports/format.ts'
import { type Importer, startImporter } from './support.ts'

/** Names and towns as files have them: a few words a row, among much that every encoding writes alike. */
const words: Record<string, string[]> = {
  Russian: ['Иван Петров', 'Мария Смирнова', 'Сергей Кузнецов', 'Ольга Попова', 'Анна Лебедева', 'Москва'],
  Ukrainian: ['Олександр Шевченко', 'Наталія Бондаренко', 'Київ', 'Юлія Ткаченко', 'Львів'],
  Polish: [
    'Łukasz Żółć',
    'Małgorzata Wójcik',
    'Stanisław Kowalski',
    'Agnieszka Wiśniewska',
    'Kraków',
    'Łódź',
  ],
  Czech: ['Jiří Novák', 'Kateřina Dvořáková', 'Tomáš Černý', 'Lucie Procházková', 'Plzeň'],
  Hungarian: ['Nagy László', 'Kovács Zoltán', 'Szűcs Győző', 'Tóth Erzsébet', 'Győr'],
  German: ['Jürgen Müller', 'Zoë Größe', 'Köln', 'Straße 5'],
  French: ['François Lefèvre', 'Hélène Béranger', 'Noël Garçon'],
  Spanish: ['José Núñez', 'María Peña', 'Málaga', 'Ángel Muñoz'],
  Swedish: ['Åsa Öberg', 'Björn Åkesson', 'Malmö'],
  Turkish: ['Ayşe Yılmaz', 'Mehmet Öztürk', 'Çağla Şahin', 'İstanbul', 'Diyarbakır'],
  Greek: ['Γιώργος Παπαδόπουλος', 'Μαρία Οικονόμου', 'Αθήνα'],
  Hebrew: ['דוד כהן', 'שרה לוי', 'תל אביב', 'ירושלים'],
  Arabic: ['محمد أحمد', 'فاطمة علي', 'القاهرة', 'الرياض'],
  Thai: ['สมชาย ใจดี', 'สมหญิง รักไทย', 'กรุงเทพมหานคร'],
  Japanese: ['田中太郎', '鈴木花子', 'ヤマダタロウ', '東京都新宿区', 'さくら'],
  'simplified Chinese': ['王小明', '李娜', '张伟', '刘洋', '北京市朝阳区', '订阅者'],
  'traditional Chinese': ['陳怡君', '林志豪', '臺北市', '高雄市', '張雅婷'],
  Korean: ['김민준', '이서연', '박지훈', '최수빈', '서울특별시'],
}

function table(language: string, rows: number): string {
  const list = words[language]!
  const lines = Array.from(
    { length: rows },
    (_, n) => `p${n},user${n}@example.com,${list[n % list.length]},${list[(n * 7 + 3) % list.length]}`,
  )
  return `id,email,name,city\n${lines.join('\n')}\n`
}

const written: [language: string, encoding: Encoding][] = [
  ['Russian', 'windows-1251'],
  ['Russian', 'koi8-r'],
  ['Russian', 'ibm866'],
  ['Russian', 'iso-8859-5'],
  ['Russian', 'mac-cyrillic'],
  ['Ukrainian', 'windows-1251'],
  ['Ukrainian', 'koi8-u'],
  ['Polish', 'windows-1250'],
  ['Polish', 'iso-8859-2'],
  ['Polish', 'ibm852'],
  ['Czech', 'windows-1250'],
  ['Czech', 'iso-8859-2'],
  ['Hungarian', 'windows-1250'],
  ['German', 'windows-1252'],
  ['French', 'windows-1252'],
  ['Spanish', 'windows-1252'],
  ['Swedish', 'windows-1252'],
  ['Turkish', 'windows-1254'],
  ['Greek', 'windows-1253'],
  ['Hebrew', 'windows-1255'],
  ['Arabic', 'windows-1256'],
  ['Thai', 'windows-874'],
  ['Japanese', 'shift_jis'],
  ['Japanese', 'euc-jp'],
  ['simplified Chinese', 'gb18030'],
  ['traditional Chinese', 'big5'],
  ['Korean', 'euc-kr'],
]

describe('the encoding of a file is found out', () => {
  it.each(written)('%s in %s', async (language, encoding) => {
    for (const rows of [10, 300]) {
      const text = table(language, rows)
      const found = await encodingOf(iconv.encode(text, encoding))
      // What several encodings write alike may be any of them.
      expect([rows, found, iconv.decode(iconv.encode(text, encoding), found)]).toEqual([rows, found, text])
    }
  })

  it.each(Object.keys(words))('%s in UTF-8 and UTF-16', async (language) => {
    const text = table(language, 10)
    expect(await encodingOf(Buffer.from(text))).toBe('utf-8')
    for (const encoding of ['utf-16le', 'utf-16be'] as const) {
      expect(await encodingOf(iconv.encode(text, encoding))).toBe(encoding)
      expect(await encodingOf(iconv.encode(text, encoding, { addBOM: true }))).toBe(encoding)
    }
  })

  it('of nothing but one byte, as the usual one', async () => {
    expect(await encodingOf(Buffer.from('id,name\n1,Jos\xe9\n', 'latin1'))).toBe('windows-1252')
    expect(await encodingOf(Buffer.from([0x81]))).toBeDefined()
  })
})

describe('an import', () => {
  let server: Importer
  let now = new Date('2026-06-10T12:00:00Z')
  beforeAll(async () => {
    server = await startImporter(() => (now = new Date(now.getTime() + 1_000)))
  })
  afterAll(() => server?.close())

  const nameOf = async (id: string) =>
    (
      await server.sql<{ name: string }>(
        `select properties ->> 'name' as name from people where project_id = $1 and external_id = $2`,
        server.projectId,
        id,
      )
    )[0]?.name

  it('of UTF-8 with a stray byte rejects its row, and keeps all names', async () => {
    const rows = Array.from({ length: 1_000 }, (_, n) => Buffer.from(`u${n},José ${n}\n`))
    rows[500] = Buffer.from('u500,Jos\xe9 500\n', 'latin1')
    const done = await server.run(Buffer.concat([Buffer.from('id,name\n'), ...rows]))
    expect(done.format.encoding).toBe('utf-8')
    expect(done.counts).toMatchObject({ rows: 1_000, created: 999, rejected: 1 })
    expect(await server.rejects(done.id)).toEqual([[502, null, expect.stringMatching(/cell 2 is not UTF-8/)]])
    expect([await nameOf('u499'), await nameOf('u501')]).toEqual(['José 499', 'José 501'])
  })

  it('shows what was taken, and takes what people choose', async () => {
    const ready = await server.upload(iconv.encode(table('Russian', 20), 'windows-1251'))
    expect(ready.format.encoding).toBe('windows-1251')
    expect(ready.preview[0][2]).toBe('Иван Петров')
    const path = `/imports/${ready.id}`
    const other = await server.call('PATCH', path, { format: { encoding: 'koi8-r' } })
    await server.work(other.body.task.id)
    const wrong = (await server.call('GET', path)).body
    expect(wrong.format.encoding).toBe('koi8-r')
    expect(wrong.preview[0][2]).not.toBe('Иван Петров')
    const again = await server.call('PATCH', path, { format: { encoding: 'windows-1251' } })
    await server.work(again.body.task.id)
    expect((await server.start(ready.id)).counts).toMatchObject({ created: 20, rejected: 0 })
    expect(await nameOf('p0')).toBe('Иван Петров')
    expect((await server.call('PATCH', path, { format: { encoding: 'klingon' } })).status).toBe(422)
  })

  it('rejects rows with bytes that are no characters of the encoding', async () => {
    const file = Buffer.concat([
      iconv.encode('id,name\ns1,田中\ns2,', 'shift_jis'),
      Buffer.from([0xfd]),
      Buffer.from('\ns3,x\n'),
    ])
    const done = await server.run(file, { format: { encoding: 'shift_jis' } })
    expect(done.counts).toMatchObject({ created: 2, rejected: 1 })
    expect(await server.rejects(done.id)).toEqual([
      [3, null, expect.stringMatching(/cell 2 is not SHIFT_JIS/)],
    ])
  })
})

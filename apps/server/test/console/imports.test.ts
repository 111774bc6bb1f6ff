import iconv from 'iconv-lite'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { zip } from '../exchange/imports/zip.ts'
import { type Console, eventually, noBrowser, openConsole, send } from './browser.ts'

const file = (name: string, lines: string[]) => ({
  name,
  mimeType: 'text/csv',
  buffer: Buffer.from(lines.join('\n')),
})

describe.skipIf(noBrowser)('imports and exports in the console', () => {
  let fairway: Console
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    fairway = await openConsole()
    context = await fairway.signIn()
  })
  afterAll(() => fairway?.close())
  beforeEach(async () => {
    page = await context.newPage()
  })
  afterEach(() => page.close())

  const link = (name: string) => page.getByRole('link', { name, exact: true })
  const upload = async (...chosen: { name: string; mimeType: string; buffer: Buffer }[]) => {
    await page.goto(fairway.path('imports/new'))
    await page.locator('input[type=file]').setInputFiles(chosen)
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
  }

  it('imports a file, shows the row that is wrong, and undoes it', async () => {
    await upload(
      file('people.csv', [
        'Customer ID,E-Mail,Plan,Orders',
        'c-1,ada@example.com,pro,3',
        'c-2,grace@example.com,team,14',
        'c-3,nobody at all,free,0',
      ]),
    )
    await page.getByRole('heading', { name: 'people.csv' }).waitFor()
    await page.getByText('Nothing is imported until you start it.').waitFor()
    await page.getByRole('table', { name: 'First rows of the file' }).getByText('grace@example.com').waitFor()
    const becomes = (column: string) => page.getByRole('combobox', { name: `${column} becomes` })
    await eventually(() => becomes('Customer ID').inputValue()).toBe('Id (yours)')
    await eventually(() => becomes('E-Mail').inputValue()).toBe('Email')
    await page.getByRole('textbox', { name: 'Name for Plan' }).fill('tariff')
    await page.getByRole('link', { name: 'Imports', exact: true }).first().click()
    const leaving = page.getByRole('dialog', { name: 'Leave without saving?' })
    await leaving.getByRole('button', { name: 'Stay' }).click()
    await leaving.waitFor({ state: 'detached' })
    await eventually(() => page.getByRole('combobox', { name: 'Type of Orders' }).inputValue()).toBe('Number')

    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByRole('heading', { name: 'What would happen' }).waitFor()
    await page.getByText('1 row would not be taken').waitFor()
    await page.getByRole('link', { name: 'Imports', exact: true }).first().click()
    await page.getByText('2 would be created · 1 would be rejected').waitFor()
    await link('people.csv').click()
    await page.getByRole('button', { name: 'Start the import' }).click()
    await page.getByRole('heading', { name: 'What happened' }).waitFor()
    await page.getByText('Partly imported', { exact: true }).waitFor()
    const rejected = page.getByRole('table', { name: 'rejected rows' }).getByRole('row').nth(1)
    await eventually(() => rejected.textContent()).toMatch(/email.*4.*E-Mail/i)

    await page.goto(fairway.path('people'))
    await link('ada@example.com').click()
    await page.getByText('tariff').waitFor()

    await page.goto(fairway.path('imports'))
    await link('people.csv').click()
    await page.getByRole('button', { name: 'Undo' }).click()
    const asked = page.getByRole('dialog', { name: 'Undo “people.csv”?' })
    await asked.getByRole('button', { name: 'Undo the import' }).click()
    await page.getByText('Undone', { exact: true }).waitFor()
    await page.goto(fairway.path('people'))
    await page.getByText('Nobody is here yet').waitFor()
  })

  it('asks what comes first in dates, tells broken rows, and leaves out who opted out', async () => {
    await send(fairway, 'PUT', 'people/id:o-1', { email: 'opted@example.com' })
    await send(fairway, 'POST', 'people/id:o-1/unsubscribe')
    await upload(
      file('members.csv', [
        'id,First name,Renewal,subscribed',
        'o-1,Ann,03/04/2026,yes',
        'o-2,"Ben"x,05/06/2026,yes',
      ]),
    )
    await page.getByText('1 row of the first can’t be read').waitFor()
    await page.getByText(/looks like dates: which comes first, day or month/).waitFor()
    const type = page.getByRole('combobox', { name: 'Type of Renewal' })
    await eventually(() => type.inputValue()).toBe('Text')
    await page.getByRole('combobox', { name: 'Dates like 3/4/2026' }).click()
    await page.getByRole('option', { name: 'Day first: 3 April' }).click()
    await eventually(() => type.inputValue()).toBe('Date')
    await page.getByText(/looks like dates/).waitFor({ state: 'detached' })
    await eventually(() => page.getByRole('textbox', { name: 'Name for First name' }).inputValue()).toBe(
      'first_name',
    )
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByText('1 person who opted out would stay so').waitFor()
    await page.getByRole('checkbox', { name: 'Subscribe people again who opted out' }).check()
    await page.getByRole('button', { name: 'Start the import' }).click()
    await page.getByText('1 person who opted out was subscribed again').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    const asked = page.getByRole('dialog', { name: 'Undo “members.csv”?' })
    await asked.getByRole('button', { name: 'Undo the import' }).click()
    await page.getByText('Undone', { exact: true }).waitFor()
    await send(fairway, 'DELETE', 'people/id:o-1')
  })

  it('says that no row would be taken when none would', async () => {
    await upload(file('nobody.csv', ['id,email', '-,nobody at all', '#REF!,none']))
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByText('None of the 2 rows would be taken.').waitFor()
  })

  it('shows how a file was read, and reads it as it is told', async () => {
    const content = iconv.encode('id;Имя\nc-9;Иван Петров\nc-10;Мария Смирнова\n', 'windows-1251')
    await upload({ name: 'клиенты.csv', mimeType: 'text/csv', buffer: content })
    const encoding = page.getByRole('combobox', { name: 'Encoding' })
    await eventually(() => encoding.inputValue()).toBe('Cyrillic: Windows-1251')
    await eventually(() => page.getByRole('combobox', { name: 'Between cells' }).inputValue()).toBe(
      'Semicolons',
    )
    const rows = page.getByRole('table', { name: 'First rows of the file' })
    await rows.getByText('Иван Петров').waitFor()
    const choose = async (label: string) => {
      await encoding.click()
      await encoding.fill(label)
      await page.getByRole('option', { name: label, exact: true }).click()
    }
    await choose('Cyrillic: KOI8-R')
    await rows.getByText('Иван Петров').waitFor({ state: 'detached' })
    await eventually(() => encoding.inputValue()).toBe('Cyrillic: KOI8-R')
    await choose('Cyrillic: Windows-1251')
    await rows.getByText('Иван Петров').waitFor()
    await page.getByRole('checkbox', { name: 'The first row names the columns' }).click()
    await page.getByRole('combobox', { name: 'column 2 becomes' }).waitFor()
    await page.getByRole('checkbox', { name: 'The first row names the columns' }).click()
    await page.getByRole('combobox', { name: 'Имя becomes' }).waitFor()
  })

  it('reads consent, and says where it is not sure of it', async () => {
    await upload(
      file('consent.csv', ['email,Status,Opt-Out,Mail status', 'co@example.com,blocklisted,no,perhaps']),
    )
    const becomes = (column: string) => page.getByRole('combobox', { name: `${column} becomes`, exact: true })
    await eventually(() => becomes('Status').inputValue()).toBe('Unsubscribed')
    await eventually(() => becomes('Opt-Out').inputValue()).toBe('Unsubscribed')
    await eventually(() => becomes('Mail status').inputValue()).toBe('Property')
    const warning = page.getByText('It may say who wants no mail')
    await warning.waitFor()
    await becomes('Mail status').click()
    await page.getByRole('option', { name: 'Leave it out' }).click()
    await warning.waitFor({ state: 'detached' })
  })

  it('lets choose a file of an archive, and says that days are those of a spreadsheet', async () => {
    const csv = (id: string) => Buffer.from(`id,Signed up at\n${id},45000\n`)
    const packed = zip([
      { name: 'one.csv', content: csv('one') },
      { name: 'two.csv', content: csv('two') },
    ])
    await upload({ name: 'both.zip', mimeType: 'application/zip', buffer: packed })
    await page.getByText('Choose a file', { exact: true }).waitFor()
    await page.getByText(/The archive holds 2 files: choose the one that this import is of/).waitFor()
    const which = page.getByRole('combobox', { name: 'File' })
    await which.click()
    await page.getByRole('option', { name: 'two.csv' }).click()
    await page.getByRole('button', { name: 'Read this file' }).click()
    await page
      .getByRole('table', { name: 'First rows of the file' })
      .getByText('two', { exact: true })
      .waitFor()
    await page.getByText(/· two.csv/).waitFor()
    const type = page.getByRole('combobox', { name: 'Type of Signed up at' })
    await eventually(() => type.inputValue()).toBe('Spreadsheet date (46387)')
    await page.getByRole('button', { name: 'Start the import' }).click()
    await page.getByText('1 line of the file is no row: the header, or empty.').waitFor()
  })

  it('goes on with an upload where a lost connection stopped it', async () => {
    const lines = ['id,email', ...Array.from({ length: 200_000 }, (_, i) => `p-${i},person-${i}@example.com`)]
    let lost = 0
    await page.route('**/file?offset=*', (route) => {
      if (lost++ === 1) return route.abort('connectionreset')
      return route.continue()
    })
    await upload(file('many.csv', lines))
    await page.getByText('Nothing is imported until you start it.').waitFor()
    await page
      .getByRole('table', { name: 'First rows of the file' })
      .getByText('person-0@example.com')
      .waitFor()
    expect(lost).toBeGreaterThan(2)
  })

  it('exports and offers the file', async () => {
    await page.goto(fairway.path('exports'))
    await page.getByRole('button', { name: 'New export' }).first().click()
    await page
      .getByRole('dialog', { name: 'New export' })
      .getByRole('button', { name: 'Start the export' })
      .click()
    const download = page.getByRole('link', { name: 'Download' })
    await download.waitFor()
    const [received] = await Promise.all([page.waitForEvent('download'), download.click()])
    expect(received.suggestedFilename()).toMatch(/^people.*\.csv/)
  })
})

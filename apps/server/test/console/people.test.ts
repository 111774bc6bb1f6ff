import { readFileSync } from 'node:fs'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Console, eventually, focused, noBrowser, openConsole, send, track } from './browser.ts'

describe.skipIf(noBrowser)('people in the console', () => {
  let fairway: Console
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    fairway = await openConsole()
    context = await fairway.signIn()
    for (const [id, plan] of Object.entries({ ada: 'pro', grace: 'pro', alan: 'free', edsger: 'pro' }))
      await send(fairway, 'PUT', `people/id:${id}`, { email: `${id}@example.com`, properties: { plan } })
  })
  afterAll(() => fairway?.close())
  beforeEach(async () => {
    page = await context.newPage()
  })
  afterEach(() => page.close())

  const heading = (name: string) => page.getByRole('heading', { name, level: 1 })
  const dialog = (name: string | RegExp) => page.getByRole('dialog', { name })
  const link = (name: string) => page.getByRole('link', { name, exact: true })

  it('shows what a person does the moment it happens, by kinds, and gives out everything held about them', async () => {
    await send(fairway, 'POST', 'segments', {
      name: 'Buyers',
      conditions: { event: 'Purchased item' },
    })
    await page.goto(fairway.path('people'))
    await link('grace@example.com').click()
    await page.getByText('Live', { exact: true }).waitFor()
    await track(fairway, {
      id: 'grace',
      email: 'grace@example.com',
      name: 'Purchased item',
      data: { sku: 'A1' },
    })
    await page.getByText('sku: A1').waitFor()
    await page.getByText('Entered the segment Buyers').waitFor()

    await page.getByRole('group', { name: 'Kinds shown' }).getByText('Segments').click()
    await page.getByText('sku: A1').waitFor({ state: 'detached' })
    await page.getByText('Entered the segment Buyers').waitFor()

    await page.getByRole('button', { name: 'Actions' }).click()
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'Export everything we hold' }).click(),
    ])
    const held = JSON.stringify(JSON.parse(readFileSync(await file.path(), 'utf8')))
    expect(held).toContain('Purchased item')
    expect(held).toContain('Buyers')
  })

  it('filters people by conditions, changes all who match, and keeps the view as a segment', async () => {
    await page.goto(fairway.path('people'))
    await link('ada@example.com').waitFor()
    await page.getByRole('button', { name: 'Filter by conditions' }).click()
    await page.getByRole('button', { name: 'Add condition' }).click()
    await page.getByRole('menuitem', { name: 'Property of the person' }).click()
    await eventually(() => focused(page)).toMatchObject({ tag: 'input' })
    await page.keyboard.type('plan')
    await page.keyboard.press('Escape')
    await page.getByLabel('Value', { exact: true }).first().fill('free')
    await page.getByRole('button', { name: 'Show who matches' }).click()
    await link('ada@example.com').waitFor({ state: 'detached' })
    await page.getByText('Everybody was looked at: 1 found.').waitFor()

    await page.getByRole('button', { name: 'Change everybody who matches' }).click()
    await page.getByRole('menuitem', { name: 'Add a tag' }).click()
    const asked = dialog('Add a tag: everybody who matches')
    await asked.getByLabel('Tag', { exact: true }).first().fill('tryout')
    await asked.getByRole('button', { name: 'Add a tag: everybody who matches' }).click()
    await asked.getByText('Done', { exact: true }).waitFor()
    await asked.getByRole('button', { name: 'Close' }).last().click()
    await page.getByRole('table').getByText('tryout').waitFor()

    await page.getByRole('button', { name: 'Export everybody who matches' }).click()
    await dialog('Export everybody who matches').getByRole('button', { name: 'Start the export' }).click()
    await page
      .getByRole('row', { name: /people by conditions/ })
      .getByText('1 row')
      .waitFor()
    await page.goBack()

    await page.getByRole('button', { name: 'Save as segment' }).click()
    await dialog('Save as segment').getByRole('textbox', { name: 'Name' }).fill('On the free plan')
    await dialog('Save as segment').getByRole('button', { name: 'Save' }).click()
    await heading('On the free plan').waitFor()
    await link('alan@example.com').waitFor()
  })

  it('selects people, and erases one with a receipt', async () => {
    await page.goto(fairway.path('people'))
    await page.getByRole('checkbox', { name: 'Select ada@example.com' }).check()
    await page.getByRole('checkbox', { name: 'Select grace@example.com' }).check()
    await page.getByText('2 selected').waitFor()
    await page.getByRole('button', { name: 'Change the selected' }).click()
    await page.getByRole('menuitem', { name: 'Unsubscribe' }).click()
    const asked = dialog('Unsubscribe: 2 people')
    await asked.getByRole('button', { name: 'Unsubscribe: 2 people' }).click()
    await asked.getByText('2 of 2 people').waitFor()
    await asked.getByRole('button', { name: 'Close' }).last().click()
    await page
      .getByRole('row', { name: /ada@example.com/ })
      .getByText('Unsubscribed')
      .waitFor()

    await link('edsger@example.com').click()
    await page.getByRole('button', { name: 'Actions' }).click()
    await page.getByRole('menuitem', { name: 'Erase' }).click()
    await dialog('Erase this person?').getByRole('button', { name: 'Erase' }).click()
    await dialog('Erased').getByText('Their data are gone.').waitFor()
    await dialog('Erased').getByRole('button', { name: 'Back to people' }).click()
    await link('ada@example.com').waitFor()
    await link('edsger@example.com').waitFor({ state: 'detached' })
    await link('Erased people').click()
    await page.getByRole('table', { name: 'receipts' }).waitFor()
  })

  it('lists suppressed addresses, finds, adds and removes them', async () => {
    await send(fairway, 'POST', 'suppressions', {
      address: 'gone@mail.example',
      reason: 'hard bounce: 550 5.1.1 No such user',
    })
    await page.goto(fairway.path('people'))
    await link('Suppressed addresses').click()
    await heading('Suppressed addresses').waitFor()
    const row = (name: string | RegExp) => page.getByRole('row', { name })
    await row(/gone@mail.example .*No such user/).waitFor()

    await page.getByRole('button', { name: 'Add address' }).click()
    const adding = dialog('Never send to an address')
    await eventually(() => focused(page)).toMatchObject({ tag: 'input' })
    await page.keyboard.type('ann@example..com')
    await page.keyboard.press('Enter')
    await adding.getByText('it has two dots in a row').waitFor()
    await adding.getByRole('textbox', { name: 'Email address' }).fill('Ann@Müller.example')
    await adding.getByRole('textbox', { name: 'Reason' }).fill('Asked by phone')
    await page.keyboard.press('Enter')
    await row(/ann@xn--mller-kva.example Asked by phone/).waitFor()
    await adding.waitFor({ state: 'detached' })

    await page.getByRole('searchbox', { name: 'Search suppressed addresses' }).fill('müller')
    await row(/gone@mail.example/).waitFor({ state: 'detached' })
    await eventually(() => new URL(page.url()).search).toBe('?q=m%C3%BCller')
    await page.getByRole('button', { name: 'Remove ann@xn--mller-kva.example' }).click()
    await dialog('Send to this address again?').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No such address').waitFor()
    await page.getByRole('button', { name: 'Clear the search' }).click()
    await row(/gone@mail.example/).waitFor()
  })

  it('says who is suppressed where an address is not to be removed', async () => {
    await send(fairway, 'POST', 'people/id:alan/suppress')
    await page.goto(fairway.path('suppressions?q=alan'))
    await page.getByRole('button', { name: 'Remove alan@example.com' }).click()
    await dialog('Send to this address again?').getByRole('button', { name: 'Remove' }).click()
    await page.getByText(/who has this address, is suppressed: unsuppress them first/).waitFor()
    await page.getByRole('button', { name: 'Remove alan@example.com' }).waitFor({ state: 'attached' })
  })
})

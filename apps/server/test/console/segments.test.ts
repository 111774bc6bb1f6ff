import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'
import { type Console, eventually, focused, noBrowser, openConsole, send } from './browser.ts'

describe.skipIf(noBrowser)('segments in the console', () => {
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
  const combobox = (name: string) => page.getByRole('combobox', { name, exact: true })
  const choose = async (box: string, option: string) => {
    await combobox(box).click()
    await page.getByRole('option', { name: option, exact: true }).click()
  }
  const add = async (kind: string) => {
    await page.getByRole('button', { name: 'Add condition' }).last().click()
    await page.getByRole('menuitem', { name: kind }).click()
  }
  const says = (words: string) => page.getByRole('note', { name: 'In words' }).getByText(words)

  it('builds a segment by fields, and says who matches while it does', async () => {
    await page.goto(fairway.path('segments/new'))
    await page.getByRole('textbox', { name: 'Name' }).fill('Paying')
    await page.getByText('The number appears when the conditions are complete.').waitFor()
    await add('Property of the person')
    // The focus goes into what was added.
    await eventually(() => focused(page)).toMatchObject({ tag: 'input' })
    await page.keyboard.type('plan')
    await page.keyboard.press('Escape')
    await page.getByText('Give a value.').waitFor()
    await page.getByLabel('Value', { exact: true }).first().fill('pro')
    await says('People whose plan is “pro”.').waitFor()
    await page.getByText('people exactly, of 4 people').waitFor()
    await link('grace@example.com').waitFor()

    await choose('How many of these', 'none of these')
    await says('Everybody but people whose plan is “pro”.').waitFor()
    await link('alan@example.com').waitFor()
    await choose('How many of these', 'all of these')

    await page.getByRole('button', { name: 'Create segment' }).click()
    await heading('Paying').waitFor()
    await link('ada@example.com').waitFor()
    await page.getByText('People whose plan is “pro”.').waitFor()
    await eventually(() => page.getByRole('table').getByRole('link').allTextContents()).toHaveLength(3)
  })

  it('says that an operator of dates matches no texts', async () => {
    await send(fairway, 'PUT', 'people/id:ada', { properties: { signup: '31.12.2025' } })
    await page.goto(fairway.path('segments/new'))
    await add('Property of the person')
    await eventually(() => focused(page)).toMatchObject({ tag: 'input' })
    await page.keyboard.type('signup')
    await page.keyboard.press('Escape')
    await choose('Operator', 'others …')
    await choose('Operator', 'is after')
    await page.getByText('Its values are no dates but text: nobody matches.').waitFor()
    await choose('Operator', 'contains')
    await page.getByText('Its values are no dates').waitFor({ state: 'detached' })
  })

  it('offers the operators that fit a property, and compares without regard to case', async () => {
    await send(fairway, 'PUT', 'people/id:ada', { properties: { interests: ['Tea', 'Books'] } })
    await page.goto(fairway.path('segments/new'))
    await add('Property of the person')
    await eventually(() => focused(page)).toMatchObject({ tag: 'input' })
    await page.keyboard.type('interests')
    await page.keyboard.press('Escape')
    await choose('Operator', 'others …')
    await combobox('Operator').click()
    await page.getByRole('option', { name: 'is after', exact: true }).waitFor()
    await page.getByRole('option', { name: 'has any of', exact: true }).click()
    await page.locator('input[aria-label="Value"]').fill('TEA')
    await page.keyboard.press('Enter')
    await says('People whose interests has any of “TEA”.').waitFor()
    await link('ada@example.com').waitFor()
    await page.getByLabel('Match case').check()
    await says('People whose interests has any of “TEA” (matching case).').waitFor()
    await link('ada@example.com').waitFor({ state: 'detached' })
  })

  it('says sums and birthdays', async () => {
    await page.goto(fairway.path('segments/new'))
    await add('Event they did or did not do')
    await eventually(() => focused(page)).toMatchObject({ tag: 'input' })
    await page.keyboard.type('Purchased item')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Sum or average' }).click()
    await page.locator('input[aria-label="Property with numbers"]').fill('price')
    await page.keyboard.press('Escape')
    await says('People who did “Purchased item” where the sum of price is at least 100.').waitFor()
    await add('Birthday or anniversary')
    await eventually(() => focused(page)).toMatchObject({ tag: 'input' })
    await page.keyboard.type('birthday')
    await page.keyboard.press('Escape')
    await choose('When it comes round', 'is within the next')
    await says('and whose anniversary of birthday is within the next 7 days.').waitFor()
    await page.getByText('people exactly, of 4 people').waitFor()
  })

  it('takes a date of the calendar where it offered one that moves with the time', async () => {
    await page.goto(fairway.path('segments/new'))
    await add('Property of the person')
    await eventually(() => focused(page)).toMatchObject({ tag: 'input' })
    await page.keyboard.type('trial_ends')
    await page.keyboard.press('Escape')
    await choose('Operator', 'is after')
    await says('People whose trial_ends is after 7 days ago.').waitFor()
    await choose('Relative to now', 'the date')
    await eventually(() => combobox('Operator').inputValue()).toBe('is after')
    await page.getByText('Give a value.').waitFor()
    const date = page.getByLabel('Date', { exact: true })
    await date.fill('2026-03-01')
    await says('People whose trial_ends is after 2026-03-01.').waitFor()
    await date.fill('')
    await eventually(() => combobox('Operator').inputValue()).toBe('is after')
    await date.fill('2026-04-01')
    await says('People whose trial_ends is after 2026-04-01.').waitFor()
    await choose('Operator', 'is more than')
    await page.getByPlaceholder('Number').waitFor()
  })

  it('lets one type a value while the known values are still on their way', async () => {
    let arrive!: () => void
    const released = new Promise<void>((resolve) => {
      arrive = resolve
    })
    await page.route(/\/properties\/plan\/values/, async (route) => {
      await released
      await route.continue()
    })
    await page.goto(fairway.path('segments/new'))
    await add('Property of the person')
    await eventually(() => focused(page)).toMatchObject({ tag: 'input' })
    await page.keyboard.type('plan')
    await page.keyboard.press('Escape')
    await page.getByLabel('Value', { exact: true }).first().click()
    await page.keyboard.type('p')
    arrive()
    await page.getByRole('option', { name: 'pro', exact: true }).waitFor()
    await page.keyboard.type('r')
    await says('People whose plan is “pr”.').waitFor()
  })

  it('says the same as JSON, and shows a refusal at its condition', async () => {
    await page.goto(fairway.path('segments/new'))
    await page.getByRole('textbox', { name: 'Name' }).fill('Refused')
    await page.getByText('JSON', { exact: true }).click()
    const json = page.getByRole('textbox', { name: 'Conditions' })
    await json.fill('{"any":[{"tag":"vip"},{"nothing":1}]}')
    await page.getByText('There is no such condition: {"nothing":1}').waitFor()
    await json.fill(
      '{"any":[{"tag":"vip"},{"event":"Signed in","did":false,"within":{"last":{"days":36500}}}]}',
    )
    await says(
      'People who have the tag “vip”, or who did not do “Signed in” in the last 36,500 days.',
    ).waitFor()

    await page.getByText('Builder', { exact: true }).click()
    await page.getByRole('button', { name: 'Create segment' }).click()
    await page
      .getByRole('group', { name: 'Event' })
      .getByText(/conditions\.any\.1\.within/)
      .waitFor()
    await page.getByRole('textbox', { name: 'How many' }).fill('30')
    await page.getByRole('button', { name: 'Create segment' }).click()
    await heading('Refused').waitFor()
  })

  it('waits its turn where the project counts enough already, and gives up the count that another replaces', async () => {
    let refused = 0
    const held: string[] = []
    const aborted: string[] = []
    page.on('requestfailed', (request) => aborted.push(request.postData() ?? ''))
    await page.route('**/segments/preview', (route) => {
      const body = route.request().postData() ?? ''
      if (body.includes('"held"')) return void held.push(body)
      if (refused++ > 0) return route.continue()
      return route.fulfill({
        status: 429,
        headers: { 'retry-after': '1' },
        contentType: 'application/problem+json',
        body: JSON.stringify({ status: 429, code: 'busy', detail: 'Try again in a moment.' }),
      })
    })
    await page.goto(fairway.path('segments/new'))
    await page.getByText('JSON', { exact: true }).click()
    const json = page.getByRole('textbox', { name: 'Conditions' })
    await json.fill('{"person":"plan","operator":"equals","value":"pro"}')
    await page.getByText('Busy counting for this project; trying again…').waitFor()
    await page.getByText('people exactly, of 4 people').waitFor()

    await json.fill('{"tag":"held"}')
    await eventually(() => held.length).toBe(1)
    await json.fill('{"person":"plan","operator":"equals","value":"free"}')
    await link('alan@example.com').waitFor()
    await eventually(() => aborted).toEqual(held)
  })

  it('does not delete what is in use, and lists by what', async () => {
    await page.goto(fairway.path('segments/new'))
    await page.getByRole('textbox', { name: 'Name' }).fill('Not paying')
    await add('In another segment')
    await choose('In the segment', 'are not in the segment')
    await choose('Segment', 'Paying')
    await page.getByRole('button', { name: 'Create segment' }).click()
    await heading('Not paying').waitFor()

    await page.goto(fairway.path('segments'))
    await link('Paying').click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await dialog('Delete “Paying”?').getByRole('button', { name: 'Delete the segment' }).click()
    await dialog('Delete “Paying”?').getByText('It is in use and stays.').waitFor()
    await dialog('Delete “Paying”?').getByRole('link', { name: 'Segment “Not paying”' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await dialog('Delete “Not paying”?').getByRole('button', { name: 'Delete the segment' }).click()
    await page.getByText('Segment deleted').waitFor()
    await link('Paying').waitFor()
    await link('Not paying').waitFor({ state: 'detached' })
  })

  it('takes people into a list by hand, and out of it', async () => {
    await page.goto(fairway.path('segments'))
    await page.getByRole('button', { name: 'New list by hand' }).click()
    await dialog('New list by hand').getByRole('textbox', { name: 'Name' }).fill('Testers')
    await dialog('New list by hand').getByRole('button', { name: 'Create' }).click()
    await heading('Testers').waitFor()
    await page.getByRole('textbox', { name: 'Ids of people to add' }).fill('ada, alan')
    await page.getByRole('button', { name: 'Add' }).click()
    await link('alan@example.com').waitFor()
    await page.getByRole('button', { name: 'Take ada@example.com out of the segment' }).click()
    await link('ada@example.com').waitFor({ state: 'detached' })
    await link('alan@example.com').waitFor()
  })
})

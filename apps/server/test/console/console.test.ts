import type { BrowserContext, Page, Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Console, eventually, focused, noBrowser, openConsole, pressTogether, track } from './browser.ts'

describe.skipIf(noBrowser)('the console in a browser', () => {
  let fairway: Console
  let context: BrowserContext
  let page: Page
  const requests: Request[] = []

  beforeAll(async () => {
    fairway = await openConsole()
    context = await fairway.signIn()
    context.on('request', (request) => requests.push(request))
  })
  afterAll(() => fairway?.close())
  beforeEach(async () => {
    page = await context.newPage()
  })
  afterEach(() => page.close())

  const heading = (name: string | RegExp) => page.getByRole('heading', { name }).first()

  it('lets a one-time link in once, and says so the second time', async () => {
    const visitor = await fairway.visitor()
    const own = await visitor.newPage()
    const link = await fairway.signInLink()
    await own.goto(link)
    await own.getByRole('heading', { name: 'Overview' }).waitFor()

    await visitor.clearCookies()
    await own.goto(link)
    await own.getByText('That link did not work').waitFor()
    await own.getByText('npx fairway sign-in-link').waitFor()
    await visitor.close()
  })

  it('shows the first event the moment it has been processed, and the person it made', async () => {
    await page.goto(fairway.path('first-steps'))
    await page.getByText('Waiting for the first event').waitFor()
    await page.getByRole('button', { name: 'Create a new key' }).click()
    const snippet = page.locator('pre', { hasText: /"auth_token": "fw_track_/ })
    const key = /fw_track_[\w-]+/.exec((await snippet.textContent()) ?? '')?.[0]

    await track(
      { ...fairway, trackingKey: key! },
      { id: '1', email: 'ada@example.com', name: 'Signed up', data: { plan: 'starter' } },
    )
    await heading('It has arrived').waitFor()
    await page.getByText('Signed up', { exact: true }).waitFor()
    await page.getByRole('link', { name: /See the person/ }).click()

    await heading('ada@example.com').waitFor()
    await page.getByText('plan: starter').waitFor()
  })

  it('finds people by the beginning of their email or id', async () => {
    await track(fairway, { id: 'u-2', email: 'grace@example.com', name: 'Signed up' })
    await track(fairway, { id: 'u-3', email: 'alan@example.com', name: 'Signed up' })
    await page.goto(fairway.path('people'))
    // The list does not refresh by itself; the events may still be in the queue.
    await eventually(async () => {
      await page.reload()
      await heading('People').waitFor()
      await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
      return page.getByRole('link', { name: /^(grace|alan)@example.com/ }).count()
    }).toBe(2)

    await page.getByRole('searchbox').fill('gra')
    await page.getByRole('link', { name: 'alan@example.com' }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'grace@example.com' }).click()
    await heading('grace@example.com').waitFor()
  })

  it('shows a test mail in the mailbox, its HTML in a frame without scripts', async () => {
    await page.goto(fairway.path('first-steps'))
    await page.getByRole('button', { name: 'Send a test mail' }).click()
    await heading('Mailbox').waitFor()
    const mail = page.getByRole('navigation', { name: 'Mails' }).getByRole('link').first()
    await mail.click()
    const frame = page.locator('iframe')
    await frame.waitFor()
    expect(await frame.getAttribute('sandbox')).not.toContain('allow-scripts')
    expect(await frame.getAttribute('sandbox')).not.toContain('allow-same-origin')
    await frame.contentFrame().locator('body').getByText(/./).first().waitFor()

    await page.getByRole('tab', { name: 'Headers' }).click()
    await page.getByRole('rowheader', { name: /^subject$/i }).waitFor()
    await page.getByRole('link', { name: 'Its message' }).click()
    await page.getByText('Kept in the mailbox', { exact: true }).first().waitFor()
  })

  it('remembers the colour scheme and shows it before the first paint', async () => {
    await page.goto(fairway.path('overview'))
    await page.getByRole('button', { name: 'Colour scheme' }).click()
    await page.getByRole('menuitem', { name: 'Dark' }).click()
    const scheme = () => page.evaluate(() => document.documentElement.dataset.mantineColorScheme)
    await eventually(scheme).toBe('dark')

    await page.goto(fairway.path('overview'), { waitUntil: 'commit' })
    await page.waitForSelector('body')
    expect(await scheme()).toBe('dark')
  })

  it('says what failed and recovers by "Try again"', async () => {
    let broken = true
    await page.route('**/overview?*', (route) =>
      broken
        ? route.fulfill({
            status: 403,
            contentType: 'application/problem+json',
            body: JSON.stringify({
              status: 403,
              code: 'forbidden',
              detail: 'You were moved to another team.',
            }),
          })
        : route.continue(),
    )
    await page.goto(fairway.path('overview'))
    const alert = page.getByRole('alert').filter({ hasText: 'Could not load the overview' })
    await alert.getByText('You were moved to another team.').waitFor()

    broken = false
    await alert.getByRole('button', { name: 'Try again' }).click()
    await heading('Queue').waitFor()
  })

  it('works by keyboard: skip link, shortcuts and their help', async () => {
    await page.goto(fairway.path('overview'))
    await heading('Queue').waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await eventually(() => focused(page)).toMatchObject({ id: 'main' })

    await pressTogether(page, ['g', 'p'], page.getByRole('searchbox'))
    await page.keyboard.press('/')
    await eventually(() => focused(page)).toMatchObject({ role: 'searchbox' })
    await page.keyboard.press('Escape')
    await eventually(() => focused(page)).not.toMatchObject({ role: 'searchbox' })

    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  it('creates a project, shows its keys once and leads to its first steps', async () => {
    await page.goto(fairway.path('overview'))
    await page.getByRole('button', { name: /Switch project/ }).click()
    await page.getByRole('menuitem', { name: 'New project' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Lighthouse')
    await page.getByRole('button', { name: 'Create project' }).click()
    await page.locator('pre', { hasText: 'fw_secret_' }).waitFor()
    await page.getByRole('button', { name: 'On to the first steps' }).click()
    await heading('First steps').waitFor()
    await page.locator('pre', { hasText: 'events/track' }).filter({ hasText: 'fw_track_' }).waitFor()
  })

  it('makes a template and a campaign, and shows a mistake at its place', async () => {
    await page.goto(fairway.path('templates/new'))
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Receipt')
    await page.getByText('Good to have you here').first().waitFor()
    await page.getByRole('textbox', { name: 'From', exact: true }).fill('Shop <hello@shop.example>')
    await page.getByRole('textbox', { name: 'Subject' }).fill('Thank you, {{ user.email }}')
    await page.getByText(/^Thank you, .+@example.com$/).waitFor()
    // A wrong field comes into view, whatever its place is.
    await page.setViewportSize({ width: 1280, height: 720 })
    const replyTo = page.getByRole('textbox', { name: 'Reply to' })
    await replyTo.fill('nobody at all')
    await page.getByRole('button', { name: 'Create template' }).click()
    await page.getByText('Could not save the template').waitFor()
    await eventually(async () => (await focused(page)).id).toBe(await replyTo.getAttribute('id'))
    await eventually(() =>
      page.evaluate(() => {
        const { top, bottom } = document.activeElement!.getBoundingClientRect()
        return top >= 0 && bottom <= window.innerHeight
      }),
    ).toBe(true)
    await replyTo.fill('')
    await page.getByRole('button', { name: 'Create template' }).click()
    await heading('Receipt').waitFor()

    // What was changed and not saved is not lost without a word.
    const subject = page.getByRole('textbox', { name: 'Subject' })
    await subject.fill('Changed')
    await page.getByRole('link', { name: 'People', exact: true }).click()
    const leave = page.getByRole('dialog', { name: 'Leave without saving?' })
    await leave.getByRole('button', { name: 'Stay' }).click()
    await leave.waitFor({ state: 'detached' })
    expect(await subject.inputValue()).toBe('Changed')
    await page.getByRole('link', { name: 'People', exact: true }).click()
    await leave.getByRole('button', { name: 'Leave' }).click()
    await heading('People').waitFor()

    await page.goto(fairway.path('campaigns/new'))
    await page.getByRole('textbox', { name: 'Name' }).fill('Receipts')
    await page.getByLabel('Trigger event').first().fill('Purchased item')
    await page.getByRole('combobox', { name: 'Template' }).click()
    await page.getByRole('option', { name: 'Receipt' }).click()
    await page.getByText('JSON', { exact: true }).click()
    await page
      .getByRole('textbox', { name: 'Conditions' })
      .fill('{"all":[{"person":"plan","operator":"resembles","value":1}]}')
    await page.getByRole('button', { name: 'Create campaign' }).click()
    await page
      .getByText(/^conditions\.all\.0\.operator must be/)
      .first()
      .waitFor()

    await page.getByRole('textbox', { name: 'Conditions' }).fill('{"tag":"vip"}')
    await page.getByRole('button', { name: 'Create campaign' }).click()
    await heading('Receipts').waitFor()
    await page.getByText('Live', { exact: true }).click()
    const live = page.getByRole('dialog', { name: 'Make Receipts live?' })
    await live.getByText('The project is in test mode: messages stay in the mailbox.').waitFor()
    await live.getByRole('button', { name: 'Make it live' }).click()
    await page.getByText('Receipts is live').waitFor()
    await page.getByText('The project is in test mode: messages stay in the mailbox.').waitFor()
  })

  it('leads to the sign-in page when the session has ended, and back after it', async () => {
    const visitor = await fairway.signIn()
    const own = await visitor.newPage()
    await own.goto(fairway.path('people'))
    await own.getByRole('heading', { name: 'People' }).waitFor()
    await visitor.clearCookies()
    await own.getByRole('link', { name: 'Messages' }).click()
    await own.getByRole('heading', { name: 'Sign in' }).waitFor()
    await eventually(() => new URL(own.url()).searchParams.get('redirect')).toContain('/messages')
    await visitor.close()
  })

  it('asks nobody but its own server for anything', () => {
    const origins = new Set(requests.map((request) => new URL(request.url()).origin))
    expect([...origins].filter((origin) => origin !== 'null')).toEqual([fairway.server.url])
  })
})

import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Console, eventually, noBrowser, openConsole, send } from './browser.ts'

describe.skipIf(noBrowser)('a session that ends while something is typed', () => {
  let fairway: Console
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    fairway = await openConsole({ role: 'api' })
  })
  afterAll(() => fairway?.close())
  beforeEach(async () => {
    context = await fairway.signIn()
    page = await context.newPage()
  })
  afterEach(() => context.close())

  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const field = (name: string) => page.getByRole('textbox', { name, exact: true })
  const note = () => page.getByRole('alert').filter({ hasText: 'You have been signed out.' })
  const signInLink = () => note().getByRole('link', { name: 'sign in in another tab' })
  const signInElsewhere = async () => {
    const [other] = await Promise.all([context.waitForEvent('page'), signInLink().click()])
    await other.getByRole('heading', { name: 'Sign in' }).waitFor()
    await other.goto(await fairway.signInLink())
    await other.close()
  }

  it('keeps the page and what it holds, and saves after the sign-in in another tab', async () => {
    const { id } = await send(fairway, 'POST', 'templates', {
      name: 'T',
      fromAddress: 'shop@x.example',
      subject: 'Hi',
      html: '<p>Hi</p>',
    })
    const nameNow = async () => (await send<{ name: string }>(fairway, 'GET', `templates/${id}`)).name
    await page.goto(fairway.path(`templates/${id}`))
    await field('Name').fill('Typed for long')
    await context.clearCookies()
    await button('Save').click()
    await note().getByText('What you typed is still here').waitFor()
    expect(await field('Name').inputValue()).toBe('Typed for long')
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await nameNow()).toBe('T')
    await page.getByText('The session has ended.').first().waitFor()
    expect(await page.getByText('Authorization: Bearer').count()).toBe(0)

    await signInElsewhere()
    await note().waitFor({ state: 'detached' })
    await button('Save').click()
    await page.getByText('Template saved').waitFor()
    expect(await nameNow()).toBe('Typed for long')
    expect(new URL(page.url()).pathname).toMatch(`/templates/${id}`)
  })

  it('says so in a dialog, within reach of the keyboard', async () => {
    const { id } = await send(fairway, 'POST', 'segments', { name: 'M', manual: true })
    await page.goto(fairway.path(`segments/${id}`))
    await button('Rename').click()
    const dialog = page.getByRole('dialog')
    await field('Name').fill('Friends')
    await context.clearCookies()
    await dialog.getByRole('button', { name: 'Rename' }).click()
    const shown = dialog.getByRole('alert').filter({ hasText: 'You have been signed out.' })
    const link = shown.getByRole('link', { name: 'sign in in another tab' })
    await link.waitFor()
    await eventually(async () => {
      await page.keyboard.press('Tab')
      return link.evaluate((element) => element === document.activeElement)
    }).toBe(true)
    expect(await field('Name').inputValue()).toBe('Friends')
  })

  it('asks somebody who signs out themselves, as leaving does', async () => {
    await page.goto(fairway.path('settings?tab=project'))
    await field('Name').fill('Other')
    await page.getByRole('button', { name: /Account of/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('dialog', { name: 'Leave without saving?' }).waitFor()
    await button('Leave').click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })
})

import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSignInLink } from '../../src/accounts/sign-in-link.ts'
import { addSuppression } from '../../src/audience/people/suppressions.ts'
import { addPerson } from '../messaging/messages/support.ts'
import { type Console, noBrowser, openConsole } from './browser.ts'

describe.skipIf(noBrowser)('roles in the console', () => {
  let fairway: Console
  let person: number
  const contexts: BrowserContext[] = []

  beforeAll(async () => {
    fairway = await openConsole({ role: 'api' })
    // The first to come is the owner.
    await fairway.signInLink()
    await addSuppression(fairway.server.app, fairway.project.id, {
      address: 'gone@example.com',
      reason: 'manual',
    })
    person = await addPerson(fairway.server.app, fairway.project.id, { id: 'ann', email: 'ann@example.com' })
  })
  afterAll(async () => {
    for (const context of contexts) await context.close()
    await fairway?.close()
  })

  const setRole = (email: string, role: string) =>
    fairway.server.app.pool.query(
      'update members set role = $2 where "userId" = (select id from users where email = $1)',
      [email, role],
    )

  /** A page of somebody with that role, and what the server refused to it. */
  async function openAs(role: 'admin' | 'member'): Promise<{ page: Page; refused: string[] }> {
    const email = `${role}-${contexts.length}@example.com`
    const { server, browser } = fairway
    const link = await createSignInLink(server.app, { email, create: role, origin: server.url })
    const context = await browser.newContext({ reducedMotion: 'reduce' })
    context.setDefaultTimeout(50_000)
    contexts.push(context)
    const page = await context.newPage()
    const refused: string[] = []
    page.on('response', (response) => {
      if (response.status() === 403) refused.push(`${response.request().method()} ${response.url()}`)
    })
    await page.goto(link.url)
    return { page, refused }
  }

  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  /** Every button that needs more than a member has, page by page. */
  const withheld = [
    ['settings', 'Save'],
    ['settings?tab=sending', 'Add SMTP server'],
    ['settings?tab=domains', 'Add'],
    ['queue', 'Pause'],
    ['imports/sources', 'New SQL source'],
    ['people', 'Export everybody in this project'],
    ['suppressions', 'Remove gone@example.com'],
  ] as const

  /** Where somebody looks at what they may not change: it says so before they try. */
  const readOnly: string[] = [
    'settings',
    'settings?tab=sending',
    'settings?tab=domains',
    'queue',
    'imports/sources',
  ]

  it('withhold from a member what the server would refuse, say why, and ask for nothing that is refused', async () => {
    const { page, refused } = await openAs('member')
    for (const [path, name] of withheld) {
      await page.goto(fairway.path(path))
      await button(page, name).first().waitFor()
      expect(await button(page, name).first().isDisabled(), `${path}: ${name}`).toBe(true)
      if (readOnly.includes(path))
        await page.getByRole('alert').getByText('Only owners and administrators may change them.').waitFor()
    }
    await page.goto(fairway.path('suppressions'))
    await button(page, 'Add address').waitFor()
    expect(await button(page, 'Add address').isEnabled()).toBe(true)
    // The reason is there for the keyboard, too.
    await page.goto(fairway.path('queue'))
    await page.getByRole('group', { name: 'Only owners and administrators may do this.' }).first().focus()
    await page.getByRole('tooltip').getByText('Only owners and administrators may do this.').waitFor()

    await page.goto(fairway.path('settings?tab=keys'))
    await page.getByText('Keys are for administrators').waitFor()
    await page.goto(fairway.path('exports'))
    await page.getByText('Exports are for administrators').waitFor()

    await page.goto(fairway.path(`people/${person}`))
    await button(page, 'Actions').click()
    expect(await page.getByRole('menuitem', { name: 'Erase…' }).isDisabled()).toBe(true)
    expect(await page.getByRole('menuitem', { name: 'Unsubscribe' }).isEnabled()).toBe(true)
    await page.goto(fairway.path('people'))
    await button(page, 'Change everybody in this project').click()
    expect(await page.getByRole('menuitem', { name: 'Erase…' }).isDisabled()).toBe(true)
    expect(await page.getByRole('menuitem', { name: 'Add a tag…' }).isEnabled()).toBe(true)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /Switch project/ }).click()
    await page.getByRole('menuitem', { name: 'Harbour Shoes' }).waitFor()
    expect(await page.getByRole('menuitem', { name: 'New project' }).count()).toBe(0)
    expect(refused).toEqual([])
  })

  it('let an administrator do all of it', async () => {
    const { page, refused } = await openAs('admin')
    for (const [path, name] of withheld) {
      await page.goto(fairway.path(path))
      const wanted = name === 'New SQL source' ? page.getByRole('link', { name }) : button(page, name)
      await wanted.first().waitFor()
      expect(await wanted.first().isEnabled(), `${path}: ${name}`).toBe(true)
    }
    await page.goto(fairway.path('settings?tab=keys'))
    await button(page, 'New key').waitFor()
    await page.goto(fairway.path(`people/${person}`))
    await button(page, 'Actions').click()
    expect(await page.getByRole('menuitem', { name: 'Erase…' }).isEnabled()).toBe(true)
    expect(refused).toEqual([])
  })

  it('notice at the first refusal that a role was changed meanwhile', async () => {
    const { page } = await openAs('admin')
    await page.goto(fairway.path('queue'))
    await button(page, 'Pause').waitFor()
    await setRole(`admin-${contexts.length - 1}@example.com`, 'member')
    await button(page, 'Pause').click()
    const dialog = page.getByRole('dialog', { name: 'Pause this project?' })
    await dialog.getByRole('button', { name: 'Pause' }).click()
    await page.getByText(/Only owners, administrators and secret keys may do this/).waitFor()
    await page.locator('button:disabled', { hasText: 'Pause' }).waitFor()
    expect(await fairway.server.app.queue.controls(String(fairway.project.id))).toEqual({})
  })
})

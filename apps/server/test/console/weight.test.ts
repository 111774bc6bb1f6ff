import type { Cookie } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addPerson } from '../messaging/messages/support.ts'
import { type Console, noBrowser, openConsole, track } from './browser.ts'

const maxBytes = 350_000

/** Bytes, not time: what a screen costs somebody who opens the console for the first time, whatever the machine. */
describe.skipIf(noBrowser)('what a cold screen transfers', () => {
  let fairway: Console
  let person: number
  let cookies: Cookie[]

  beforeAll(async () => {
    fairway = await openConsole()
    person = await addPerson(fairway.server.app, fairway.project.id, { id: 'ann', email: 'ann@example.com' })
    await track(fairway, { id: 'ann', email: 'ann@example.com', name: 'Signed up' })
  })
  beforeAll(async () => {
    const signedIn = await fairway.signIn()
    cookies = await signedIn.cookies()
    await signedIn.close()
  })
  afterAll(() => fairway?.close())

  it.each([
    ['overview', 'Overview'],
    ['first-steps', 'First steps'],
    ['people', 'People'],
    ['people/:person', 'ann@example.com'],
    ['segments/new', 'New segment'],
    ['events', 'Events'],
    ['events/catalogue', 'Catalogue'],
    ['campaigns/new', 'New campaign'],
    ['templates/new', 'New template'],
    ['messages', 'Messages'],
    ['mailbox', 'Mailbox'],
    ['imports/new', 'New import'],
    ['imports/sources/new', 'New SQL source'],
    ['exports', 'Exports'],
    ['queue', 'Queue'],
    ['settings?tab=sending', 'Settings'],
  ])('%s', async (path, title) => {
    const cold = await fairway.visitor()
    await cold.addCookies(cookies)
    const page = await cold.newPage()
    const devtools = await cold.newCDPSession(page)
    await devtools.send('Network.enable')
    let bytes = 0
    devtools.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength
    })
    await page.goto(fairway.path(path.replace(':person', String(person))))
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
    await page.waitForLoadState('networkidle')
    expect(bytes).toBeGreaterThan(100_000)
    expect(bytes).toBeLessThanOrEqual(maxBytes)
    await cold.close()
  })
})

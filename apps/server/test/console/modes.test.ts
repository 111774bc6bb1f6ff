import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type SmtpSink, startSmtpSink } from '../messaging/messages/smtp-sink.ts'
import { type Console, eventually, noBrowser, openConsole, send } from './browser.ts'

describe.skipIf(noBrowser)('what the console says when a project’s mode or SMTP server changes', () => {
  let fairway: Console
  let context: BrowserContext
  let page: Page
  let sink: SmtpSink
  let closedPort: number

  beforeAll(async () => {
    sink = await startSmtpSink()
    const other = await startSmtpSink()
    closedPort = other.port
    await other.close()
    fairway = await openConsole({ allowPrivateNetworks: true })
    context = await fairway.signIn()
  })
  afterAll(async () => {
    await fairway?.close()
    await sink.close()
  })
  beforeEach(async () => {
    page = await context.newPage()
  })
  afterEach(() => page.close())

  const dialog = (name: string | RegExp) => page.getByRole('dialog', { name })
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const warnings = () => page.getByRole('status', { name: 'Warnings' })
  const mail = (to: string, subject = 'Your order') =>
    fetch(`${fairway.server.url}/v1/send/email`, {
      method: 'POST',
      headers: { authorization: `Bearer ${fairway.secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ to, from: 'shop@x.example', subject, body: '<p>Thanks</p>' }),
    }).then(async (response) => expect(response.status, await response.clone().text()).toBe(200))
  const addServer = async (name: string, port: number) => {
    await button('Add SMTP server').click()
    const form = dialog('Add an SMTP server')
    await form.getByRole('textbox', { name: 'Name' }).fill(name)
    await form.getByRole('textbox', { name: 'Host' }).fill('127.0.0.1')
    await form.getByRole('textbox', { name: 'Port' }).fill(String(port))
    await form.getByRole('button', { name: 'Add' }).click()
    await form.waitFor({ state: 'detached' })
  }
  type Queue = { retrying: { count: number }; waiting: Record<'live' | 'server', { count: number }> }
  const queue = () => send<Queue>(fairway, 'GET', 'queue')
  const switchTo = async (mode: 'Live' | 'Test', confirm: string | RegExp) => {
    await page.goto(fairway.path('settings'))
    await page.getByRole('radio', { name: mode }).check()
    await button('Save').click()
    return page.getByRole('button', { name: confirm })
  }

  it('says where mail of each mode goes, and that a second server is not used before somebody says so', async () => {
    await mail('early@x.example', 'Made in test mode')
    await eventually(
      async () =>
        (await send<{ totals: { sent: number; kept: number } }>(fairway, 'GET', 'overview?hours=1')).totals,
    ).toEqual({ people: 0, events: 0, sent: 0, kept: 1 })
    await page.goto(fairway.path('overview'))
    await page.getByText('and 1 kept in the mailbox').waitFor()
    await page.getByRole('link', { name: 'Kept in the mailbox' }).click()
    await page.getByRole('link', { name: 'Made in test mode' }).waitFor()

    await page.goto(fairway.path('settings?tab=sending'))
    await addServer('Broken', closedPort)
    await page.getByText('Send a test before you switch the project to live.').waitFor()
    const live = await switchTo('Live', /^Make it live/)
    await dialog(/^Make .* live\?$/)
      .getByText(/made in test mode never does: .* the mailbox/)
      .waitFor()
    await live.click()
    await page.getByText('Settings saved').waitFor()

    await page.goto(fairway.path('settings?tab=sending'))
    await addServer('Good', sink.port)
    await page.getByText('SMTP server added, not in use yet').waitFor()
    await page.getByText(/^Mail still leaves through Broken\./).waitFor()
    await page.getByText('Not in use', { exact: true }).waitFor()
  })

  it('mail of a broken server waits out a test mode without a countdown, and the dialog says that it leaves', async () => {
    await mail('ann@x.example')
    await eventually(async () => (await queue()).retrying.count).toBe(1)
    const toTest = await switchTo('Test', 'Put it into test mode')
    await dialog(/into test mode\?$/)
      .getByText('1 mail waits already: it could not be sent yet.')
      .waitFor()
    await toTest.click()
    await page.getByText('Settings saved').waitFor()
    await eventually(async () => (await queue()).waiting.live.count).toBe(1)

    await page.goto(fairway.path('queue'))
    await warnings().getByText('1 mail waits until the project is live again').waitFor()
    expect(await button('Try now').count()).toBe(0)
    expect(await page.getByText(/could not be sent yet/).count()).toBe(0)
    await page.goto(fairway.path('overview'))
    const attention = page.getByRole('region', { name: 'Needs attention' })
    await attention.getByText('1 mail waits until the project is live again.').waitFor()
    await page.getByText('besides 1 mail for later').waitFor()
    await attention.getByRole('link', { name: 'Show them' }).click()
    const row = page.getByRole('row', { name: /Your order/ })
    await row.getByText('until the project is live', { exact: true }).waitFor()
    expect(await row.getByText(/next try/).count()).toBe(0)
    await row.getByRole('link', { name: 'Your order' }).click()
    await page.getByText('This waits until the project is live again').waitFor()
    await page.getByText('Last tried').waitFor()
    expect(await page.getByText(/^(Claimed|Settled)$/).count()).toBe(0)

    await switchTo('Live', /^Make it live/)
    const goLive = dialog(/^Make .* live\?$/)
    await goLive.getByText('1 mail made while it was live leaves now.').waitFor()
    await goLive.getByRole('link', { name: '1 mail made while it was live' }).waitFor()
    expect(await goLive.getByText(/could not be sent/).count()).toBe(0)
    await goLive.getByRole('button', { name: /^Make it live/ }).click()
    await page.getByText('Settings saved').waitFor()
    await eventually(async () => (await queue()).retrying.count).toBe(1)
  })

  it('removing the last server in use says what waits; the other one, asked for, sends it', async () => {
    await page.goto(fairway.path('settings?tab=sending'))
    await page.getByText('1 mail could not be sent yet').waitFor()
    // The newest is above.
    await button('Remove').last().click()
    const removal = dialog('Remove this SMTP server?')
    await removal.getByText(/1 mail that could not be sent yet, and all new mail, then wait/).waitFor()
    await removal.getByText(/You have Good: choose “Use this one” there first/).waitFor()
    await removal.getByRole('button', { name: 'Remove' }).click()
    await page
      .getByText(/^No SMTP server is in use: 1 mail waits\. Choose “Use this one” at the other server\.$/)
      .waitFor()
    await eventually(async () => (await queue()).waiting.server.count).toBe(1)
    for (const place of ['settings?tab=sending', 'queue', 'campaigns']) {
      await page.goto(fairway.path(place))
      await page.getByText('The project is live, but no SMTP server is in use').waitFor()
      await page.getByText('1 mail waits until there is one, and leaves then.').waitFor()
    }
    expect(sink.mails).toHaveLength(0)

    await page.goto(fairway.path('settings?tab=sending'))
    await button('Use this one').click()
    const asked = dialog('Send all mail through this server?')
    await asked.getByText(/all its mail leaves through Good at once\. It was never tested/).waitFor()
    await asked.getByRole('button', { name: 'Use this one' }).click()
    await page.getByText('Mail now leaves through this server').waitFor()
    await eventually(() => sink.mails.map(({ to }) => to[0])).toEqual(['ann@x.example'])
    await page.getByText('The project is live, but no SMTP server is in use').waitFor({ state: 'detached' })
  })
})

import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusal, startSmtpSink } from '../messaging/messages/smtp-sink.ts'
import { addMessages, addPerson, plainMail, sendThrough } from '../messaging/messages/support.ts'
import { type Console, eventually, noBrowser, openConsole, send } from './browser.ts'

describe.skipIf(noBrowser)('mail that failed', () => {
  let fairway: Console
  let context: BrowserContext
  let page: Page
  let refuse = true
  let sink: Awaited<ReturnType<typeof startSmtpSink>>

  beforeAll(async () => {
    sink = await startSmtpSink({
      onRecipient: () => (refuse ? refusal(550, '5.7.1 blocked for now') : null),
    })
    fairway = await openConsole({ allowPrivateNetworks: true })
    await sendThrough(fairway.server.app, fairway.project.id, sink.port)
    context = await fairway.signIn({ colorScheme: 'dark', viewport: { width: 390, height: 844 } })
    page = await context.newPage()
  })
  afterAll(async () => {
    await fairway?.close()
    await sink?.close()
  })

  it('is tried again, many at once, after a question that says how many', async () => {
    const { app } = fairway.server
    const ids = await addMessages(
      app,
      fairway.project.id,
      ['ann', 'bob', 'cy'].map((name) => ({ input: { to: [`${name}@x.example`], mail: plainMail() } })),
    )
    for (const messageId of ids)
      await app.queue.add({
        lane: 'transactional',
        tenant: String(fairway.project.id),
        name: 'deliver',
        data: { messageId },
      })
    const failed = async () => (await send<{ count: number }>(fairway, 'GET', 'messages/failed')).count
    await eventually(failed).toBe(3)
    refuse = false
    await page.goto(fairway.path('overview'))
    await page.getByRole('link', { name: 'Show them' }).click()
    await page.getByRole('button', { name: 'Try many again…' }).click()
    const question = page.getByRole('dialog', { name: 'Try failed messages again?' })
    await question.getByText('3 messages are put back into the queue.').waitFor()
    await question.getByRole('button', { name: 'Try 3 again' }).click()
    await page.getByText('Failed messages are tried again').waitFor()
    await eventually(failed).toBe(0)
    await page.getByText('No failed messages').waitFor()
    await eventually(async () => sink.mails.length).toBe(3)
    expect(new Set(sink.mails.map(({ to }) => to[0])).size).toBe(3)
  })

  it('asks before it suppresses somebody, and says who did it', async () => {
    await addPerson(fairway.server.app, fairway.project.id, { id: 'dee', email: 'dee@x.example' })
    await page.goto(fairway.path('people/id:dee'))
    await page.getByRole('button', { name: 'Actions' }).click()
    await page.getByRole('menuitem', { name: 'Suppress: never send again…' }).click()
    const question = page.getByRole('dialog', { name: 'Never send to this person again?' })
    await question.getByText(/receipts and password resets included/).waitFor()
    await question.getByRole('button', { name: 'Suppress' }).click()
    await page.getByText(/is suppressed \(done in the console, by \S+@\S+\)/).waitFor()
    await page.goto(fairway.path('suppressions'))
    await page.getByText(/^Done in the console, by \S+@\S+$/).waitFor()
  })

  it('names what is wrong with a server as people say it, and the code only behind', async () => {
    await page.goto(fairway.path('settings?tab=sending'))
    await page.getByRole('button', { name: 'Add SMTP server' }).click()
    const form = page.getByRole('dialog', { name: 'Add an SMTP server' })
    await form.getByRole('textbox', { name: 'Host' }).fill('https://smtp.example.com')
    await form.getByRole('button', { name: 'Add' }).click()
    await form
      .getByText(/must be only the host name/)
      .first()
      .waitFor()
    expect(await form.getByText('config.host').count()).toBe(0)
    expect(await form.getByText('422').filter({ visible: true }).count()).toBe(0)
  })
})

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { type Console, eventually, noBrowser, openConsole } from './browser.ts'

/** What the headers forbid, as a browser understands them: our own pages work, a stranger's mail can do nothing. */
describe.skipIf(noBrowser)('content security policies', () => {
  let site: Console
  beforeAll(async () => {
    site = await openConsole()
  }, 300_000)
  afterAll(() => site?.close())

  /** What the browser refused because of a policy. */
  const watch = (page: Page) => {
    const refused: string[] = []
    page.on('console', (message) => {
      if (/Content.Security.Policy|X-Frame-Options|sandboxed/i.test(message.text()))
        refused.push(message.text())
    })
    return refused
  }

  it('let /docs work without TLS', async () => {
    const page = await (await site.visitor()).newPage()
    const refused = watch(page)
    await page.goto(`${site.server.url}/docs`)
    await page.locator('.swagger-ui .info .title').first().waitFor()
    await page.locator('.opblock').first().waitFor()
    expect(refused).toEqual([])
  })

  it('let the console frame a mail, whose scripts do not run', async () => {
    const headers = { authorization: `Bearer ${site.secretKey}` }
    const mail = {
      to: 'reader@example.com',
      from: 'shop@example.com',
      subject: 'Hi',
      body: '<p id="text">Your order</p><script>document.querySelector("#text").textContent = "taken"</script>',
      identifiers: { email: 'reader@example.com' },
    }
    const sent = await fetch(`${site.server.url}/v1/send/email`, {
      method: 'POST',
      headers,
      body: JSON.stringify(mail),
    })
    expect(sent.status).toBe(200)
    const mailbox = `${site.server.url}/api/v1/projects/${site.project.id}/mailbox`
    const items = async () =>
      ((await (await fetch(mailbox, { headers })).json()) as { items: { id: number }[] }).items
    await until(async () => (await items()).length > 0)

    const page = await (await site.signIn()).newPage()
    const refused = watch(page)
    await page.goto(site.path('people'))
    expect(refused).toEqual([])
    await page.evaluate(
      (address) => {
        const frame = document.createElement('iframe')
        frame.src = address
        document.body.append(frame)
      },
      `${mailbox}/${(await items())[0]!.id}/html`,
    )
    await eventually(() => page.frameLocator('iframe').locator('#text').textContent()).toBe('Your order')
    // The script, which the sandbox or the policy stops.
    await eventually(() => refused.length).toBeGreaterThan(0)
    expect(await page.frameLocator('iframe').locator('#text').textContent()).toBe('Your order')
  })
})

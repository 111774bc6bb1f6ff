import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Console, noBrowser, openConsole, send } from './browser.ts'

describe.skipIf(noBrowser)('a template that campaigns send', () => {
  let fairway: Console

  beforeAll(async () => {
    fairway = await openConsole()
  })
  afterAll(() => fairway?.close())

  it('says so before anybody saves', async () => {
    const template = await send<{ id: number }>(fairway, 'POST', 'templates', {
      name: 'Welcome mail',
      fromAddress: 'Shop <hi@x.example>',
      subject: 'Hi',
      html: '<p>Hi</p>',
    })
    const campaign = await send<{ id: number }>(fairway, 'POST', 'campaigns', {
      name: 'Welcome',
      triggerEvent: 'Signed up',
      templateId: template.id,
    })
    const context = await fairway.signIn({ colorScheme: 'dark', viewport: { width: 390, height: 844 } })
    const page = await context.newPage()
    await page.goto(fairway.path(`templates/${template.id}`))
    await page.getByText('Used by campaigns that are not live').waitFor()
    await send(fairway, 'PATCH', `campaigns/${campaign.id}`, { state: 'live' })
    await page.reload()
    await page.getByText('Saving changes what people get from now on').waitFor()
    await page.getByRole('link', { name: 'Welcome (live)' }).click()
    await page.getByRole('heading', { name: 'Welcome', level: 1 }).waitFor()
  })
})

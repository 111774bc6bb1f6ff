import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unsubscribeUrl } from '../../src/messaging/messages/links.ts'
import { addMessages, addPerson } from '../messaging/messages/support.ts'
import { type Console, noBrowser, openConsole, send } from './browser.ts'

describe.skipIf(noBrowser)('why a message may be sent', () => {
  let fairway: Console
  let templateId: number

  beforeAll(async () => {
    fairway = await openConsole()
    templateId = (
      await send<{ id: number }>(fairway, 'POST', 'templates', {
        name: 'News mail',
        fromAddress: 'Shop <hi@x.example>',
        subject: 'Hi',
        html: '<p>Hi</p>',
      })
    ).id
  })
  afterAll(() => fairway?.close())

  it('is said by the campaign, and asked for where it is missing', async () => {
    const { id } = await send<{ id: number }>(fairway, 'POST', 'campaigns', {
      name: 'News',
      triggerEvent: 'Signed up',
      templateId,
    })
    const consentOf = async () =>
      (await send<{ consent: unknown }>(fairway, 'GET', `campaigns/${id}`)).consent
    const page = await (await fairway.signIn()).newPage()
    await page.goto(fairway.path(`campaigns/${id}`))
    await page.getByLabel('Topic').first().fill('Product news')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Campaign saved').waitFor()
    expect(await consentOf()).toEqual({ kind: 'marketing', topic: 'Product news' })

    await page.getByRole('radio', { name: 'Legal' }).check()
    await page.getByRole('textbox', { name: 'Reason' }).fill('New terms of use')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect.poll(consentOf).toEqual({ kind: 'legal', reason: 'New terms of use' })

    await page.getByRole('radio', { name: 'Transactional' }).check()
    await page.getByRole('button', { name: 'Save' }).click()
    await expect.poll(consentOf).toEqual({ kind: 'transactional' })
  })

  it('is on the page of each message, and the list shows what made it', async () => {
    const { id: campaign } = await send<{ id: number }>(fairway, 'POST', 'campaigns', {
      name: 'Weekly letter',
      triggerEvent: 'Subscribed',
      templateId,
    })
    const { app } = fairway.server
    const personId = await addPerson(app, fairway.project.id, { email: 'ada@x.example' })
    const [news, , legal] = await addMessages(app, fairway.project.id, [
      {
        origin: 'campaign',
        originId: campaign,
        consent: { kind: 'marketing', topic: 'Product news' },
        personId,
        templateId,
      },
      { origin: 'campaign', originId: 9_999, consent: { kind: 'marketing' }, personId, templateId },
      { origin: 'api', consent: { kind: 'legal', reason: 'New terms of use' }, personId, templateId },
    ])
    const page = await (await fairway.signIn()).newPage()
    await page.goto(fairway.path(`messages/${legal}`))
    await page.getByText('Legal: New terms of use').waitFor()
    await page.goto(fairway.path(`messages/${news}`))
    await page.getByText('Marketing, topic Product news').waitFor()
    await page.getByRole('link', { name: 'Weekly letter' }).waitFor()

    await page.goto(fairway.path('messages'))
    const rows = page.getByRole('row')
    await page.getByText('Campaign that was deleted').waitFor()
    await expect.poll(() => rows.count()).toBe(4)
    await page.getByRole('combobox', { name: 'Made by' }).click()
    await page.getByRole('option', { name: 'From: API' }).click()
    await expect.poll(() => rows.count()).toBe(2)
    await page.getByText('API · News mail').waitFor()
    expect(new URL(page.url()).searchParams.get('origin')).toBe('api')

    const visitor = await (await fairway.visitor()).newPage()
    await visitor.goto(fairway.server.url + new URL(unsubscribeUrl(app, fairway.project.id, news!)).pathname)
    await visitor.getByRole('button', { name: 'Unsubscribe from “Product news”' }).click()
    await visitor.getByText('no more emails about “Product news”').waitFor()
    await page.goto(fairway.path(`people/${personId}`))
    await page.getByText('Unsubscribed from topic Product news').waitFor()
  })
})

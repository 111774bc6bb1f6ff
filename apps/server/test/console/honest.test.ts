import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startSmtpSink } from '../messaging/messages/smtp-sink.ts'
import { addMessages, addPerson, plainMail } from '../messaging/messages/support.ts'
import { type Console, eventually, focused, noBrowser, openConsole, send } from './browser.ts'

describe.skipIf(noBrowser)('what the console says and keeps', () => {
  let fairway: Console
  let context: BrowserContext
  let page: Page
  let closedPort: number

  beforeAll(async () => {
    const sink = await startSmtpSink()
    closedPort = sink.port
    await sink.close()
    fairway = await openConsole({ allowPrivateNetworks: true })
    context = await fairway.signIn()
  })
  afterAll(() => fairway?.close())
  beforeEach(async () => {
    page = await context.newPage()
  })
  afterEach(() => page.close())

  const heading = (name: string) => page.getByRole('heading', { name, level: 1 })
  const dialog = (name: string | RegExp) => page.getByRole('dialog', { name })
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const link = (name: string) => page.getByRole('link', { name, exact: true })
  const leaving = () => dialog('Leave without saving?')

  it('tells of mail that an SMTP server does not take: on Overview, Queue, the server and the message; a changed server sends it', async () => {
    await page.goto(fairway.path('settings?tab=sending'))
    await button('Add SMTP server').click()
    const form = dialog('Add an SMTP server')
    await form.getByRole('textbox', { name: 'Host' }).fill('127.0.0.1')
    await form.getByRole('textbox', { name: 'Port' }).fill(String(closedPort))
    await form.getByRole('textbox', { name: 'User' }).fill('shop')
    await form.getByLabel('Password', { exact: true }).fill('s3cret')
    await form.getByRole('button', { name: 'Add' }).click()
    await form.waitFor({ state: 'detached' })
    await send(fairway, 'PATCH', 'settings', { mode: 'live' })
    const ada = await addPerson(fairway.server.app, fairway.project.id, {
      id: 'ada',
      email: 'ada@x.example',
      properties: { name: 'Ada Lovelace' },
    })
    await fetch(`${fairway.server.url}/v1/send/email`, {
      method: 'POST',
      headers: { authorization: `Bearer ${fairway.secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        to: 'ada@x.example',
        identifiers: { id: 'ada' },
        from: 'shop@x.example',
        subject: 'Your order',
        body: '<p>Thanks</p>',
      }),
    }).then(async (response) => expect(response.status, await response.clone().text()).toBe(200))

    const refused = /ECONNREFUSED/
    await eventually(
      async () => (await send<{ retrying: { count: number } }>(fairway, 'GET', 'queue')).retrying.count,
    ).toBe(1)
    await page.goto(fairway.path('overview'))
    const attention = page.getByRole('region', { name: 'Needs attention' })
    await attention.getByText(/1 message could not be sent yet: .*ECONNREFUSED.*Next try/).waitFor()
    await page.getByText('nothing waits').waitFor({ state: 'detached' })

    await page.goto(fairway.path('queue'))
    await page.getByRole('status', { name: 'Warnings' }).getByText('1 mail could not be sent yet').waitFor()
    await page.getByRole('status', { name: 'Warnings' }).getByText(refused).waitFor()
    await page.goto(fairway.path('settings?tab=sending'))
    await page.getByText('1 mail could not be sent yet').waitFor()
    await page.getByText(refused).waitFor()

    // It can be tried at once, unless its own try is just under way; the server is still not there.
    await page.getByText('Not tested yet with these settings').waitFor()
    await button('Try now').click()
    await page.getByText(/^(1 mail being tried now|Nothing to try just now)$/).waitFor()
    await button('Send a test').click()
    const trial = dialog('Send a test mail')
    await trial.getByRole('textbox', { name: 'To' }).fill('me@x.example')
    await trial.getByRole('button', { name: 'Send' }).click()
    await trial.getByText('The test failed').waitFor()
    // Nothing of it would be saved.
    await page.keyboard.press('Escape')
    await trial.waitFor({ state: 'detached' })
    await page.getByText(/^Last test: failed .*ECONNREFUSED/).waitFor()

    await page.getByRole('link', { name: 'Show them' }).click()
    await heading('Messages').waitFor()
    const row = page.getByRole('row', { name: /Your order/ })
    await row.getByText('Ada Lovelace').waitFor()
    await row.getByText(refused).waitFor()
    await row.getByRole('link', { name: 'Your order' }).click()
    await page.getByText('This could not be sent yet').waitFor()
    await page.getByText(/It is tried again by itself, next/).waitFor()
    await page.getByText('127.0.0.1', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor()
    expect(ada).toBeGreaterThan(0)

    // The password is never shown, kept when it is not given again, and asked for where it would go elsewhere.
    await page.goto(fairway.path('settings?tab=sending'))
    await button('Change').click()
    const change = dialog('Change the SMTP server')
    expect(await change.getByLabel('Password', { exact: true }).inputValue()).toBe('')
    await change.getByRole('textbox', { name: 'Name' }).fill('Backup')
    await page.keyboard.press('Escape')
    await leaving().getByRole('button', { name: 'Stay' }).click()
    await leaving().waitFor({ state: 'detached' })
    await change.getByRole('button', { name: 'Save' }).click()
    await change.waitFor({ state: 'detached' })
    await page.getByText('Backup', { exact: true }).waitFor()
    type Providers = { items: { config: { hasPassword: boolean; host: string } }[] }
    const [kept] = (await send<Providers>(fairway, 'GET', 'providers')).items
    expect(kept!.config).toMatchObject({ hasPassword: true, host: '127.0.0.1' })
    await button('Change').click()
    await change.getByRole('textbox', { name: 'Host' }).fill('localhost')
    await change.getByRole('button', { name: 'Save' }).click()
    await change.getByText(/^This is needed again/).waitFor()
    await page.keyboard.press('Escape')
    await leaving().getByRole('button', { name: 'Leave' }).click()
    await change.waitFor({ state: 'detached' })
  })

  it('asks before changed settings are left, also for another tab', async () => {
    await page.goto(fairway.path('settings'))
    const name = page.getByRole('textbox', { name: 'Name', exact: true })
    await name.fill('Renamed')
    await page.getByRole('tab', { name: 'Sending' }).click()
    await leaving().getByRole('button', { name: 'Stay' }).click()
    await leaving().waitFor({ state: 'detached' })
    expect(await name.inputValue()).toBe('Renamed')
    await button('Save').click()
    await page.getByText('Settings saved').waitFor()
    await page.getByRole('tab', { name: 'Sending' }).click()
    await button('Add SMTP server').waitFor()
  })

  it('asks before what was typed in a small dialog is lost', async () => {
    const dialogs: [place: string, open: () => Promise<unknown>, name: string, field: string][] = [
      ['settings?tab=keys', () => button('New key').click(), 'New key', 'Name'],
      ['segments', () => button('New list by hand').click(), 'New list by hand', 'Name'],
      [
        'overview',
        async () => {
          await page.getByRole('button', { name: /Account of/ }).click()
          await page.getByRole('menuitem', { name: 'Your account' }).click()
        },
        'Your account',
        'New password',
      ],
    ]
    for (const [place, open, name, field] of dialogs) {
      await page.goto(fairway.path(place))
      await open()
      const input = dialog(name).getByLabel(new RegExp(`^${field}`))
      await input.fill('Something')
      await page.keyboard.press('Escape')
      await leaving().getByRole('button', { name: 'Stay' }).click()
      await leaving().waitFor({ state: 'detached' })
      expect(await input.inputValue()).toBe('Something')
      await page.keyboard.press('Escape')
      await leaving().getByRole('button', { name: 'Leave' }).click()
      await dialog(name).waitFor({ state: 'detached' })
    }
    await page.goto(fairway.path('settings?tab=keys'))
    await button('New key').click()
    await dialog('New key').getByRole('textbox', { name: 'Name' }).fill('Website')
    await dialog('New key').getByRole('button', { name: 'Create key' }).click()
    await button('I have copied it').click()
    await dialog('New key').waitFor({ state: 'detached' })
  })

  it('makes a campaign live after asking once, and takes Off back', async () => {
    const template = await send(fairway, 'POST', 'templates', {
      name: 'T',
      fromAddress: 'shop@x.example',
      subject: 'Hi',
      html: '<p>Hi</p>',
    })
    const campaign = await send(fairway, 'POST', 'campaigns', {
      name: 'Welcome',
      triggerEvent: 'Signed up',
      templateId: template.id,
      wait: { kind: 'after', seconds: 30 },
    })
    const stateOf = async () => (await send(fairway, 'GET', `campaigns/${campaign.id}`)).state
    await page.goto(fairway.path('campaigns'))
    await page.getByText('30 seconds later').waitFor()
    await page.getByText('Live', { exact: true }).click()
    const asked = dialog('Make Welcome live?')
    await asked.getByRole('button', { name: 'Cancel' }).click()
    await asked.waitFor({ state: 'detached' })
    expect(await stateOf()).toBe('off')
    await page.getByText('Live', { exact: true }).click()
    await asked.getByRole('button', { name: 'Make it live' }).click()
    await eventually(stateOf).toBe('live')
    // Nothing changes by passing over it.
    const choice = page.getByRole('group', { name: 'State of Welcome' })
    await eventually(async () => (await focused(page)).text).toBe('Live')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Shift+Tab')
    expect(await choice.getByRole('button', { pressed: true }).textContent()).toBe('Live')
    expect(await stateOf()).toBe('live')
    await page.getByText('Off', { exact: true }).click()
    await eventually(stateOf).toBe('off')
    await button('Make it live again').click()
    await eventually(stateOf).toBe('live')
  })

  it('finds people by their surname, says how many, and changes what is known of one', async () => {
    await send(fairway, 'PUT', 'people/id:grace', {
      email: 'grace@x.example',
      properties: { name: 'Grace Brewster Hopper', plan: 'free', level: 3, old: 'x' },
    })
    const list = await send(fairway, 'POST', 'segments', { name: 'Friends', manual: true })
    await page.goto(fairway.path('people'))
    await page.getByRole('searchbox').fill('hopper')
    await page.getByText('1 person matches').waitFor()
    await link('grace@x.example').click()
    await heading('grace@x.example').waitFor()
    await button('Edit').click()
    const edit = dialog('Edit the person')
    const email = edit.getByRole('textbox', { name: 'Email' })
    await eventually(async () => (await focused(page)).id).toBe(await email.getAttribute('id'))
    await page.keyboard.press('Escape')
    await edit.waitFor({ state: 'detached' })
    await eventually(async () => (await focused(page)).text).toBe('Edit')
    await button('Edit').click()
    await email.fill('grace@x..example')
    await edit.getByRole('textbox', { name: 'Phone' }).fill('+4915112345678')
    await edit.getByRole('combobox', { name: 'Time zone' }).fill('berlin')
    await page.getByRole('option', { name: 'Europe/Berlin' }).click()
    await edit.getByRole('textbox', { name: 'Language' }).fill('de')
    await edit.getByRole('textbox', { name: 'Value of plan' }).fill('12')
    await edit.getByRole('textbox', { name: 'Value of level' }).fill('4')
    await edit.getByRole('button', { name: 'Remove old' }).click()
    await edit.getByRole('button', { name: 'Add a property' }).click()
    await edit
      .getByRole('textbox', { name: /^Name of property/ })
      .last()
      .fill('E-mail')
    await edit.getByText('The address has a field of its own, above').waitFor()
    await edit
      .getByRole('textbox', { name: /^Name of property/ })
      .last()
      .fill('plan')
    await edit.getByText('There is a property plan already: change it there').waitFor()
    await edit
      .getByRole('textbox', { name: /^Name of property/ })
      .last()
      .fill('vip')
    await edit.getByRole('textbox', { name: 'Value of vip' }).fill('true')
    await edit.getByRole('combobox', { name: 'Tags' }).fill('friend')
    await page.keyboard.press('Enter')
    await edit.getByRole('combobox', { name: 'Lists by hand' }).click()
    await page.getByRole('option', { name: 'Friends' }).click()
    await page.keyboard.press('Tab')
    await edit.getByRole('button', { name: 'Save' }).click()
    await edit.getByText(/two dots in a row/).waitFor()
    await eventually(async () => (await focused(page)).id).toBe(await email.getAttribute('id'))
    await email.fill('grace.hopper@x.example')
    await edit.getByRole('button', { name: 'Save' }).click()
    await edit.waitFor({ state: 'detached' })
    await link('Friends').first().waitFor()
    expect(await send(fairway, 'GET', 'people/id:grace')).toMatchObject({
      email: 'grace.hopper@x.example',
      phone: '+4915112345678',
      timezone: 'Europe/Berlin',
      language: 'de',
      properties: { name: 'Grace Brewster Hopper', plan: '12', level: 4, vip: true },
      tags: ['friend'],
      segments: [{ id: list.id }],
    })
    const { properties } = await send<{ properties: object }>(fairway, 'GET', 'people/id:grace')
    expect(properties).not.toHaveProperty('old')
  })

  it('asks before the project goes live, and says what will not work', async () => {
    await send(fairway, 'PATCH', 'settings', { mode: 'test' })
    const { app } = fairway.server
    // What waits is woken by the change of mode; then one whose turn does not come meanwhile.
    const told = async () => {
      const { rows } = await app.pool.query<{ told: boolean }>(
        'select sending_version = woken_version as told from projects where id = $1',
        [fairway.project.id],
      )
      return rows[0]!.told
    }
    await eventually(told).toBe(true)
    const [provider] = (await send<{ items: { id: number }[] }>(fairway, 'GET', 'providers')).items
    const [waiting] = await addMessages(app, fairway.project.id, [
      { input: { to: ['ada@x.example'], mail: plainMail() } },
    ])
    await app.pool.query(`update messages set next_try_at = $2, provider = $3, reason = $4 where id = $1`, [
      waiting,
      new Date(Date.now() + 3_600_000),
      `provider ${provider!.id}`,
      'will be tried again: connect ECONNREFUSED',
    ])
    const tested = (error: string | null) =>
      app.pool.query('update providers set tested_at = $2, test_error = $3 where id = $1', [
        provider!.id,
        error && new Date(),
        error,
      ])
    const ask = async () => {
      await page.goto(fairway.path('settings'))
      await page.getByRole('radio', { name: 'Live' }).click()
      await button('Save').click()
    }
    const asked = dialog(/^Make .+ live\?$/)
    await tested(null)
    await ask()
    await asked.getByText(/The SMTP server was never tested/).waitFor()
    await asked.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('radio', { name: 'Test' }).click()
    await tested('535 Wrong password')
    await ask()
    await asked.getByText('The last test of the SMTP server failed: 535 Wrong password').waitFor()
    await asked.getByText(/\d mails? could not be sent through the SMTP server yet: .*ECONNREFUSED/).waitFor()
    await asked.getByText(/No domain signs the mail/).waitFor()
    await asked.getByRole('button', { name: 'Cancel' }).click()
    await asked.waitFor({ state: 'detached' })
    await eventually(async () => (await focused(page)).text).toBe('Save')
    expect(await send(fairway, 'GET', 'settings')).toMatchObject({ mode: 'test' })
    await button('Save').click()
    await asked.getByRole('button', { name: 'Make it live all the same' }).click()
    await page.getByText('Settings saved').waitFor()
    expect(await send(fairway, 'GET', 'settings')).toMatchObject({ mode: 'live' })
  })

  it('says before a campaign goes live whom its conditions leave out, and what its template lacks', async () => {
    const draft = { name: 'No From', subject: 'Hi', html: '<p>Hi</p>' }
    const template = await send(fairway, 'POST', 'templates', draft)
    const campaign = await send(fairway, 'POST', 'campaigns', {
      name: 'Chosen',
      triggerEvent: 'Signed up',
      templateId: template.id,
      conditions: { tag: 'vip' },
    })
    const goLive = async () => {
      await page.goto(fairway.path(`campaigns/${campaign.id}`))
      await button('Live').click()
    }
    await goLive()
    const refused = dialog('Chosen cannot be live yet')
    await refused.getByText('Its template has no sender: it needs a From address.').waitFor()
    expect(await refused.getByRole('button', { name: /Make it live/ }).count()).toBe(0)
    await refused.getByRole('link', { name: 'No From' }).click()
    await heading('No From').waitFor()

    await send(fairway, 'PATCH', `templates/${template.id}`, { fromAddress: 'shop@x.example' })
    await goLive()
    const asked = dialog('Make Chosen live?')
    await asked
      .getByText(/everybody who does “Signed up” and matches its conditions gets its mail\./)
      .waitFor()
    await asked.getByRole('button', { name: 'Make it live' }).click()
    await page.getByText('Chosen is live').waitFor()
  })

  it('lists people by the name they write, and says who is suppressed', async () => {
    await send(fairway, 'PUT', 'people/id:hedy', {
      email: 'hedy@x.example',
      properties: { firstName: 'Hedy', lastName: 'Lamarr' },
    })
    await send(fairway, 'POST', 'people/id:hedy/suppress')
    type People = { items: { suppressed: { reason: string } | null }[] }
    for (const query of ['limit=1', 'search=hedy@x'])
      expect((await send<People>(fairway, 'GET', `people?${query}`)).items[0]).toMatchObject({
        suppressed: { reason: 'api' },
      })
    await page.goto(fairway.path('people'))
    const row = page.getByRole('row', { name: /hedy@x.example/ })
    await row.getByText('Hedy Lamarr').waitFor()
    await row.getByText('Suppressed', { exact: true }).waitFor()
  })

  it('says in bulk dialogs how many people are meant', async () => {
    await page.goto(fairway.path('people'))
    await page.getByText(/^\d+ people$/).waitFor()
    await page.getByRole('button', { name: 'Change everybody in this project' }).click()
    await page.getByRole('menuitem', { name: 'Add a tag' }).click()
    await dialog(/^Add a tag: everybody in this project \(\d+ people\)$/).waitFor()
  })

  it('stays where it is when the server is gone: a page that is not loaded says so, those that are still work', async () => {
    await page.goto(fairway.path('people'))
    await link('grace.hopper@x.example').waitFor()
    await link('Overview').click()
    await heading('Overview').waitFor()
    // Whatever was loaded ahead stays; all else is gone.
    await page.route('**/*', (route) => route.abort('connectionrefused'))
    await link('Templates').click()
    await page.getByText('This page is not loaded yet').waitFor()
    await page
      .getByRole('status', { name: 'Freshness' })
      .getByText(/not up to date since/)
      .waitFor()
    await button('Try again').click()
    await page.getByText('This page is not loaded yet').waitFor()
    await link('People').click()
    await link('grace.hopper@x.example').waitFor()
    await page.unroute('**/*')
    await link('Templates').click()
    await heading('Templates').waitFor()
  })
})

import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Console, eventually, noBrowser, openConsole, send } from './browser.ts'

interface Thing {
  what: string
  /** Makes it; answers where it is in the API and in the console. */
  make: () => Promise<{ path: string; page: string }>
  /** How its form is opened, where the page is not the form. */
  open?: () => Promise<unknown>
  saved: string
}

describe.skipIf(noBrowser)('two who edit the same in the console', () => {
  let fairway: Console
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    fairway = await openConsole({ allowPrivateNetworks: true, role: 'api' })
    context = await fairway.signIn()
  })
  afterAll(() => fairway?.close())
  beforeEach(async () => {
    page = await context.newPage()
  })
  afterEach(() => page.close())

  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const changed = () => page.getByRole('dialog', { name: 'Changed meanwhile by somebody else' })
  const part = (name: string) => changed().getByRole('region', { name, exact: true })
  const name = () => page.getByRole('textbox', { name: 'Name', exact: true })
  const write = (method: string, path: string, body: object) => send(fairway, method, path, body)
  const nameOf = async (path: string) => {
    type List = { name: string; items?: { name: string }[] }
    const [collection] = path.split('/')
    if (collection !== 'providers') return (await send<List>(fairway, 'GET', path)).name
    return (await send<List>(fairway, 'GET', 'providers')).items![0]!.name
  }

  const template = { name: 'T', fromAddress: 'shop@x.example', subject: 'Hi', html: '<p>Hi</p>' }
  const makeTemplate = () => write('POST', 'templates', template)
  const makeCampaign = async (called: string) => {
    const { id: templateId } = await makeTemplate()
    const { id } = await write('POST', 'campaigns', { name: called, triggerEvent: 'Signed up', templateId })
    return { path: `campaigns/${id}`, page: `campaigns/${id}` }
  }

  const things: Thing[] = [
    {
      what: 'a template',
      make: async () => {
        const { id } = await makeTemplate()
        return { path: `templates/${id}`, page: `templates/${id}` }
      },
      saved: 'Template saved',
    },
    { what: 'a campaign', make: () => makeCampaign('C'), saved: 'Campaign saved' },
    {
      what: 'a segment',
      make: async () => {
        const { id } = await write('POST', 'segments', { name: 'S', conditions: { tag: 'pro' } })
        return { path: `segments/${id}`, page: `segments/${id}` }
      },
      open: () => button('Edit').click(),
      saved: 'Segment saved',
    },
    {
      what: 'a manual segment',
      make: async () => {
        const { id } = await write('POST', 'segments', { name: 'M', manual: true })
        return { path: `segments/${id}`, page: `segments/${id}` }
      },
      open: () => button('Rename').click(),
      saved: 'Segment renamed',
    },
    {
      what: 'an SQL source',
      make: async () => {
        const { id } = await write('POST', 'sources', {
          name: 'Q',
          kind: 'postgres',
          url: 'postgres://u:p@127.0.0.1/shop',
          query: 'select id from users',
          import: { kind: 'people', mapping: { id: { to: 'id' } } },
        })
        return { path: `sources/${id}`, page: `imports/sources/${id}` }
      },
      saved: 'SQL source saved',
    },
    {
      what: 'an SMTP server',
      make: async () => {
        const config = { host: '127.0.0.1', port: 2525, secure: false }
        const { id } = await write('POST', 'providers', { name: 'P', config })
        return { path: `providers/${id}`, page: 'settings?tab=sending' }
      },
      open: () => button('Change').click(),
      saved: 'SMTP server saved',
    },
    {
      what: "the project's settings",
      make: async () => ({ path: 'settings', page: 'settings' }),
      saved: 'Settings saved',
    },
  ]

  it.each(things)('$what: whoever saves later sees what the other wrote, and decides', async (thing) => {
    const { path, page: place } = await thing.make()
    const save = thing.saved === 'Segment renamed' ? button('Rename').last() : button('Save')
    await page.goto(fairway.path(place))
    await thing.open?.()
    await name().fill('Mine')
    await write('PATCH', path, { name: `Theirs of ${path}` })
    await save.click()
    await part('Name').getByText(`Theirs of ${path}`).waitFor()
    await part('Name').getByText('Mine').waitFor()
    expect(await changed().getByRole('region').count()).toBe(1)
    await changed().getByRole('button', { name: 'Take theirs' }).click()
    await changed().waitFor({ state: 'detached' })
    await eventually(() => name().inputValue()).toBe(`Theirs of ${path}`)

    await name().fill(`Mine of ${path}`)
    await write('PATCH', path, { name: `Again of ${path}` })
    await save.click()
    await changed().getByRole('button', { name: 'Keep mine' }).click()
    await page.getByText(thing.saved).waitFor()
    expect(await nameOf(path)).toBe(`Mine of ${path}`)
  })

  it('does not ask about what the form does not edit', async () => {
    const { path, page: place } = await makeCampaign('Welcome')
    await page.goto(fairway.path(place))
    await name().fill('Welcome again')
    // By the switch on the same page, which is a change as well.
    await button('Test').click()
    await page.getByText('Welcome is test').waitFor()
    await button('Save').click()
    await page.getByText('Campaign saved').waitFor()
    expect(await send(fairway, 'GET', path)).toMatchObject({ name: 'Welcome again', state: 'test' })
  })

  it('shows conditions in words, and builds on those that were taken', async () => {
    const { id } = await write('POST', 'segments', { name: 'Tagged', conditions: { tag: 'pro' } })
    await page.goto(fairway.path(`segments/${id}`))
    await button('Edit').click()
    await name().fill('Tagged by me')
    await page.getByText('JSON', { exact: true }).click()
    await page.getByRole('textbox', { name: 'Conditions' }).fill('{"tag":"staff"}')
    await write('PATCH', `segments/${id}`, { conditions: { tag: 'vip' } })
    await button('Save').click()
    await part('Conditions').getByText('People who have the tag “vip”.').waitFor()
    await part('Conditions').getByText('People who have the tag “staff”.').waitFor()
    await changed().getByText('Only you changed: Name.').waitFor()
    await changed().getByRole('button', { name: 'Take theirs' }).click()
    await page.getByText('Segment saved').waitFor()
    expect(await send(fairway, 'GET', `segments/${id}`)).toMatchObject({
      name: 'Tagged by me',
      conditions: { tag: 'vip' },
    })
  })

  it('saves what each changed alone without asking, and names what came from the other', async () => {
    const { id } = await makeTemplate()
    await page.goto(fairway.path(`templates/${id}`))
    const subject = page.getByRole('textbox', { name: 'Subject', exact: true })
    await subject.fill('Mine')
    await write('PATCH', `templates/${id}`, { name: 'Theirs' })
    await button('Save').click()
    await page.getByText('Template saved').waitFor()
    await page.getByText('They changed: Name.').waitFor()
    expect(await changed().count()).toBe(0)
    expect(await send(fairway, 'GET', `templates/${id}`)).toMatchObject({ name: 'Theirs', subject: 'Mine' })
    await eventually(() => name().inputValue()).toBe('Theirs')
    expect(await subject.inputValue()).toBe('Mine')
    // Nothing is left to be saved.
    await page.getByRole('link', { name: 'Campaigns', exact: true }).click()
    await page.getByRole('heading', { name: 'Campaigns', level: 1 }).waitFor()
  })

  it('asks only for what both changed, and saves the rest of both', async () => {
    const { id } = await makeTemplate()
    await page.goto(fairway.path(`templates/${id}`))
    await name().fill('Mine')
    await page.getByRole('textbox', { name: 'Subject', exact: true }).fill('My subject')
    await write('PATCH', `templates/${id}`, { name: 'Theirs', preheader: 'Their preheader' })
    await button('Save').click()
    await part('Name').getByText('Theirs', { exact: true }).last().waitFor()
    expect(await changed().getByRole('region').count()).toBe(1)
    await changed().getByText('Only they changed: Preheader.').waitFor()
    await changed().getByText('Only you changed: Subject.').waitFor()
    await changed().getByRole('button', { name: 'Keep mine' }).click()
    await page.getByText('Template saved').waitFor()
    expect(await send(fairway, 'GET', `templates/${id}`)).toMatchObject({
      name: 'Mine',
      subject: 'My subject',
      preheader: 'Their preheader',
    })
  })
})

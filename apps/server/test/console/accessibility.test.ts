import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { bury } from '../operations/queue/support.ts'
import { type Console, eventually, noBrowser, openConsole, send, track } from './browser.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const pages = [
  'overview',
  'first-steps',
  'people',
  'erasures',
  'suppressions',
  'segments',
  'segments/new',
  'imports',
  'imports/new',
  'imports/sources',
  'imports/sources/new',
  'exports',
  'events',
  'events/catalogue',
  'events/catalogue?name=Purchased%20item',
  'events/catalogue?of=people',
  'rejects',
  'campaigns',
  'campaigns/new',
  'templates',
  'templates/new',
  'messages',
  'mailbox',
  'queue',
  'settings',
  'settings?tab=keys',
  'settings?tab=sending',
  'settings?tab=domains',
]

const pagesOfOne = [
  'people/:person',
  'queue/dead-letters/:letter',
  'segments/:segment',
  'imports/:ready',
  'imports/:done',
]

describe.skipIf(noBrowser)('every page of the console', () => {
  let fairway: Console
  let person: number
  let segment: number
  const imports: Record<'ready' | 'done', number> = { ready: 0, done: 0 }
  let letter: string

  beforeAll(async () => {
    fairway = await openConsole()
    await track(fairway, {
      id: 'a-rather-long-id-that-a-product-made-up-0123456789',
      email: 'somebody.with.a.long.name@department.example.com',
      name: 'Purchased item',
      data: { item: 'Red shoes', price: 49 },
    })
    const processed = await until(async () => {
      const { rows } = await fairway.server.app.pool.query<{ id: number }>(
        'select id from people where project_id = $1',
        [fairway.project.id],
      )
      return rows[0]
    })
    person = processed.id
    await send(fairway, 'POST', 'suppressions', {
      address: 'somebody.with.a.long.name@department.example.com',
      reason: `hard bounce: 550 5.1.1 ${'no_such_mailbox_'.repeat(10)}`,
    })
    segment = (
      await send(fairway, 'POST', 'segments', { name: 'Buyers', conditions: { event: 'Purchased item' } })
    ).id
    imports.ready = await uploadPeople(fairway)
    imports.done = await uploadPeople(fairway)
    await send(fairway, 'POST', `imports/${imports.done}/start`, {})
    await importReaches(fairway, imports.done, 'done')
    // A lane that no worker of the server serves.
    await bury(fairway.server, [
      { project: fairway.project.id, lane: 'elsewhere', name: 'work', data: 'Timed_out_'.repeat(40) },
    ])
    letter = (await fairway.server.app.queue.deadLetters())[0]!.ref
  })
  afterAll(() => fairway?.close())

  const withIds = (path: string) =>
    path
      .replace(':person', String(person))
      .replace(':letter', letter)
      .replace(':segment', String(segment))
      .replace(':ready', String(imports.ready))
      .replace(':done', String(imports.done))

  describe('each page, looked at in the light, in the dark and on a phone', () => {
    let page: Page
    beforeAll(async () => {
      page = await (await fairway.signIn({ colorScheme: 'light' })).newPage()
    })
    afterAll(() => page?.context().close())

    it.each([...pages, ...pagesOfOne])('passes axe and fits: %s', async (path) => {
      await show(page, 'light', desktop)
      await open(page, fairway.path(withIds(path)))
      expect(await violations(page)).toEqual([])
      await show(page, 'dark', desktop)
      // Of axe's rules one asks for colours.
      expect(await violations(page, ['color-contrast'])).toEqual([])
      await show(page, 'dark', phone)
      await eventually(() => beyondScreen(page)).toBe(0)
    })
  })

  it('passes axe while conditions of every kind are built', async () => {
    const page = await (await fairway.signIn()).newPage()
    await open(page, fairway.path('segments/new'))
    for (const kind of [
      'Property',
      'Event',
      'Message',
      'Tag',
      'Topic',
      'Subscription',
      'In another segment',
    ]) {
      await page.getByRole('button', { name: 'Add condition' }).click()
      await page.getByRole('menuitem', { name: kind }).click()
      await page.keyboard.press('Escape')
    }
    await page.getByRole('button', { name: 'Add filter' }).click()
    await page.getByRole('button', { name: 'Without another event' }).click()
    await page.getByRole('button', { name: 'Add group' }).click()
    await page.getByRole('group', { name: 'People who match any of these' }).waitFor()
    expect(await violations(page)).toEqual([])
    await page.context().close()
  })

  it.each([
    ['people', 'Filter by conditions'],
    ['people', 'Export everybody in this project'],
    ['exports', 'New export'],
    ['suppressions', 'Add address'],
    ['segments', 'New list by hand'],
    ['imports/:done', 'Undo'],
  ])('passes axe with a dialog open: %s, %s', async (path, button) => {
    const page = await (await fairway.signIn()).newPage()
    await open(page, fairway.path(withIds(path)))
    await page.getByRole('button', { name: button }).first().click()
    await page.getByRole('dialog').getByRole('button').last().waitFor()
    expect(await violations(page)).toEqual([])
    await page.context().close()
  })

  it('passes axe before anybody has signed in', async () => {
    const context = await fairway.visitor()
    const page = await context.newPage()
    await open(page, `${fairway.server.url}/sign-in`)
    expect(await violations(page)).toEqual([])
    await context.close()
  })
})

/** A file with a row that is wrong, read and ready to start. */
async function uploadPeople(fairway: Console): Promise<number> {
  const { id } = await send(fairway, 'POST', 'imports', { kind: 'people', name: 'people.csv' })
  await send(
    fairway,
    'PUT',
    `imports/${id}/file?offset=0&last=true`,
    'id,email,plan\n1,a@example.com,pro\n2,nobody,free\n',
  )
  await importReaches(fairway, id, 'ready')
  return id
}

const importReaches = (fairway: Console, id: number, wanted: string) =>
  until(async () => (await send(fairway, 'GET', `imports/${id}`)).state === wanted)

/** Waits until the page shows its content: a heading, and nothing that is still loading. */
async function open(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
}

const desktop = { width: 1280, height: 720 }
const phone = { width: 360, height: 740 }

/** What is open changes its colours and its width as it would by the hands of who looks at it. */
async function show(page: Page, colorScheme: 'light' | 'dark', size: { width: number; height: number }) {
  await page.setViewportSize(size)
  await page.emulateMedia({ colorScheme })
  await page.waitForFunction(
    (wanted) =>
      document.documentElement.dataset.mantineColorScheme === wanted || location.href === 'about:blank',
    colorScheme,
  )
  // Colours change in moments, and half-way they contrast with nothing.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)))
}

/** Pixels of the page that nobody sees without moving it sideways. */
const beyondScreen = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)

const everyRule = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** In one line each: the rule, and the first element that breaks it. */
async function violations(page: Page, rules = everyRule): Promise<string[]> {
  await page.evaluate(axe)
  const { violations } = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(rules)} })`,
  )) as AxeResults
  return violations.map(
    ({ id, nodes }) => `${id} (${nodes.length}): ${nodes[0]!.html} ${nodes[0]!.failureSummary}`,
  )
}

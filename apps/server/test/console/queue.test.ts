import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createProject } from '../../src/accounts/projects.ts'
import { RetryNotes } from '../../src/operations/queue/retrying-jobs.ts'
import { bury } from '../operations/queue/support.ts'
import { type Console, eventually, focused, noBrowser, openConsole, pressTogether } from './browser.ts'

describe.skipIf(noBrowser)('the queue in the console', () => {
  let fairway: Console
  let context: BrowserContext
  let page: Page
  let tenant: string

  beforeAll(async () => {
    // Without workers of its own: what is added waits, and what dies does so by the test's hand.
    fairway = await openConsole({ role: 'api' })
    context = await fairway.signIn()
    tenant = String(fairway.project.id)
  })
  afterAll(() => fairway?.close())
  beforeEach(async () => {
    page = await context.newPage()
  })
  afterEach(() => page.close())

  const letter = (reason: string, { project = fairway.project.id, lane = 'transactional' } = {}) => ({
    project,
    lane,
    name: 'deliver',
    data: reason,
  })
  const row = (reason: string) => page.getByRole('row').filter({ hasText: reason })
  const dialog = (name: string | RegExp) => page.getByRole('dialog', { name })
  const dead = async () =>
    (await fairway.server.app.queue.deadLetters({ tenant })).map(({ reason }) => reason)
  const controls = () => fairway.server.app.queue.controls(tenant)
  const cancel = async (name: string) => {
    await dialog(name).getByRole('button', { name: 'Cancel' }).click()
    await dialog(name).waitFor({ state: 'detached' })
  }

  it('says what dead letters are while there are none, and that nothing waits', async () => {
    await page.goto(fairway.path('overview'))
    await page.getByRole('link', { name: 'Queue', exact: true }).click()
    await page.getByRole('heading', { name: 'Queue', level: 1 }).waitFor()
    await page.getByText('lands here with its reason and its data').waitFor()
    const lane = page.getByRole('region', { name: 'ingest' })
    await lane.getByText('Nothing waits.').waitFor()
    await page.getByText('1, as every project').waitFor()
  })

  it('says that the numbers are old while Fairway does not answer, and no longer than that', async () => {
    await page.goto(fairway.path('queue'))
    const lane = page.getByRole('region', { name: 'ingest' })
    await lane.getByText('Nothing waits.').waitFor()
    await page.route('**/api/**', (route) => route.abort('connectionrefused'))
    const note = page.getByRole('status', { name: 'Freshness' })
    await note.getByText(/Fairway does not answer\. This page is not up to date since \d/).waitFor()
    // What is known stays to be read.
    await lane.getByText('Nothing waits.').waitFor()
    await page.unroute('**/api/**')
    await eventually(() => note.textContent()).toBe('')
  })

  it('shows what waits, pauses and resumes after asking, and says so on the overview', async () => {
    const job = { lane: 'bulk', tenant, name: 'none', data: {} }
    await fairway.server.app.queue.addMany([job, job, job])
    await page.goto(fairway.path('queue'))
    const lane = page.getByRole('region', { name: 'bulk' })
    await lane.getByText(/The oldest has waited for/).waitFor()
    await eventually(() => lane.textContent()).toContain('3 waiting')

    await page.getByRole('button', { name: 'Pause' }).click()
    await cancel('Pause this project?')
    expect(await controls()).toEqual({})
    // The keyboard is back where it was.
    await eventually(() => focused(page)).toMatchObject({ text: 'Pause' })

    await page.keyboard.press('Enter')
    await dialog('Pause this project?').getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('status', { name: 'Warnings' }).getByText('This project is paused').waitFor()
    await lane.getByText('Paused: what waits is kept').waitFor()
    await eventually(controls).toEqual({ paused: true })

    await page.goto(fairway.path('overview'))
    const attention = page.getByRole('region', { name: 'Needs attention' })
    await attention.getByText('work is paused').waitFor()
    await attention.getByRole('link', { name: 'Open the queue' }).click()
    await page.getByRole('button', { name: 'Resume' }).click()
    await dialog('Resume this project?').getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    await eventually(controls).toEqual({ paused: false })
  })

  it('shows a full quota', async () => {
    await fairway.server.app.queue.set(tenant, { maxJobs: 3 })
    await page.goto(fairway.path('queue'))
    await page.getByRole('status', { name: 'Warnings' }).getByText('As much waits in bulk').waitFor()
    await page.getByRole('region', { name: 'bulk' }).getByText('100 % full').waitFor()
    await fairway.server.app.queue.set(tenant, { maxJobs: null })
  })

  it('lists dead letters, finds them by their reason, and runs a selected one again', async () => {
    const elsewhere = await createProject(fairway.server.app, { name: 'Elsewhere' })
    await bury(fairway.server, [
      letter('Connection refused'),
      letter('Greeting timed out'),
      letter('Mailbox unavailable'),
      letter('Not of this project', { project: elsewhere.project.id }),
    ])
    await page.goto(fairway.path('queue'))
    await row('Mailbox unavailable').waitFor()
    expect(await page.getByText('Not of this project').count()).toBe(0)

    await page.getByRole('searchbox', { name: 'Dead letters by reason' }).fill('TIMED')
    await row('Mailbox unavailable').waitFor({ state: 'detached' })
    await eventually(() => new URL(page.url()).searchParams.get('reason')).toBe('TIMED')
    await page.getByRole('checkbox', { name: 'Select: Greeting timed out' }).check()
    await page.getByRole('button', { name: 'Run again' }).click()
    await dialog('Run 1 dead letter again?').getByRole('button', { name: 'Run again' }).click()
    await page.getByText('The job runs again').waitFor()
    await page.getByText('No dead letter matches').waitFor()
    await eventually(dead).toEqual(['Mailbox unavailable', 'Connection refused'])
  })

  it('opens one with its data, and discards it only after asking', async () => {
    await page.goto(fairway.path('queue'))
    await page.getByRole('link', { name: 'Mailbox unavailable' }).click()
    await page.getByRole('heading', { name: 'Dead letter: Deliver a message' }).waitFor()
    await page.locator('pre', { hasText: '"Mailbox unavailable"' }).waitFor()
    await page.getByRole('button', { name: 'Discard' }).click()
    await cancel('Discard this dead letter?')
    expect(await dead()).toContain('Mailbox unavailable')
    await page.getByRole('button', { name: 'Discard' }).click()
    await dialog('Discard this dead letter?').getByRole('button', { name: 'Discard' }).click()
    await row('Connection refused').waitFor()
    await eventually(dead).toEqual(['Connection refused'])
  })

  it('runs all again at a rate, and leaves alone what died since the list was read', async () => {
    // A lane where nothing that runs again meets the worker that buries.
    const lane = 'automation'
    await bury(fairway.server, [letter('Seen', { lane }), letter('Also seen', { lane })])
    await page.goto(fairway.path('queue'))
    await row('Also seen').waitFor()
    await bury(fairway.server, [letter('Not seen yet', { lane })])
    await page.getByRole('button', { name: 'Run all 3 again' }).click()
    await page.getByRole('textbox', { name: 'Jobs a second' }).fill('0.5')
    await dialog('Run every dead letter again?').getByRole('button', { name: 'Run again' }).click()
    await page.getByText('3 jobs run again').waitFor()
    await row('Not seen yet').waitFor()
    await eventually(dead).toEqual(['Not seen yet'])
  })

  it('is usable by keyboard alone', async () => {
    await page.goto(fairway.path('overview'))
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await pressTogether(page, ['g', 'q'], row('Not seen yet'))
    const box = page.getByRole('checkbox', { name: 'Select: Not seen yet' })
    await box.focus()
    await page.keyboard.press('Space')
    await page.getByText('1 selected').waitFor()
    await page.keyboard.press('Tab')
    await eventually(() => focused(page)).toMatchObject({ tag: 'a', text: 'Not seen yet' })
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Dead letter: Deliver a message' }).waitFor()
  })

  it('says what failed and is tried again, and why', async () => {
    const notes = new RetryNotes(fairway.server.app)
    const job = { lane: 'bulk', tenant, name: 'task', id: 't', data: {}, attempt: 2, readyAt: 0, firstAt: 0 }
    notes.retried(job, new Error('The bucket is away'), Date.now() + 60_000)
    await notes.close()
    await page.goto(fairway.path('overview'))
    await page.getByText('1 job failed and is tried again: The bucket is away.').waitFor()
    await page.getByRole('link', { name: 'Open the queue' }).first().click()
    const warnings = page.getByRole('status', { name: 'Warnings' })
    await warnings.getByText('1 job failed and is tried again').waitFor()
    await warnings
      .getByText(/A step of long work, in bulk: The bucket is away \(tried 2 times, next try/)
      .waitFor()
    const later = new RetryNotes(fairway.server.app)
    later.ended(job)
    await later.close()
    await warnings.getByText('tried again').waitFor({ state: 'detached' })
  })
})

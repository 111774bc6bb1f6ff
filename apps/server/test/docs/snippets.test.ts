import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { documents, nameOf, type Snippet, snippetsOf } from '../../../../testing/snippets/markdown.ts'
import { runInBrowser, runInNode, runInShell } from '../../../../testing/snippets/run.ts'
import { until } from '../../../../testing/until.ts'
import { snippets as firstSteps } from '../../../dashboard/src/pages/first-steps/snippets.ts'
import { createProject } from '../../src/accounts/projects.ts'
import { executablePath, noBrowser } from '../console/browser.ts'

/**
 * Every block of code in the README, in docs/ and on the console's first-steps page does what it says, taken from the text
 * itself. What can't be run says so above it, where tools see it and readers don't: `<!-- snippet: not run, REASON -->`.
 */

/** What a document takes for granted: files in the folder where its reader stands, and things that are there already. */
const given: Record<string, (server: TestServer, dir: string) => unknown> = {
  'docs/guides/imports.md': (_server, dir) =>
    writeFileSync(
      join(dir, 'people.csv'),
      'id,email,Plan name\n1,ada@example.com,team\n2,grace@example.com,pro\n',
    ),
  'docs/guides/campaigns.md': (server) =>
    rest(server, 'POST', 'templates', {
      name: 'Cart',
      fromAddress: 'a@example.com',
      subject: 'Hi',
      html: '<p>Hi</p>',
    }),
  'docs/guides/segments.md': async (server) => {
    for (const id of ['user-1', 'user-2', 'user-3']) await rest(server, 'PUT', `people/id:${id}`, {})
  },
  'docs/guides/exports.md': (server) => rest(server, 'PUT', 'people/id:1', { email: 'ada@example.com' }),
  'docs/guides/sql-sources.md': (server) =>
    server.app.pool.query('create table if not exists users (id int, email text, plan text)'),
}

const tally = { ran: 0, excepted: [] as string[] }
let browser: Browser | undefined
beforeAll(async () => {
  if (!noBrowser)
    browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
})
afterAll(async () => {
  await browser?.close()
  console.log(
    [`${tally.ran} snippets ran, ${tally.excepted.length} are excepted:`, ...tally.excepted].join('\n  '),
  )
})

const all = documents().map((file) => ({
  file,
  snippets: snippetsOf(file).filter(({ language }) => language),
}))

describe.each(all.filter(({ snippets }) => snippets.length > 0))('$file', ({ file, snippets }) => {
  let server: TestServer
  let dir: string
  beforeAll(async () => {
    server = await startTestServer()
    dir = mkdtempSync(join(tmpdir(), 'fairway-snippets-'))
    // Documents speak of the first project of an installation.
    expect(server.projectId).toBe(1)
    await given[file]?.(server, dir)
  })
  afterAll(async () => {
    await server?.close()
    if (dir) rmSync(dir, { recursive: true })
  })

  const isExcepted = ({ note }: Snippet) => note?.startsWith('not run, ')
  const runnable = snippets.filter((snippet) => !isExcepted(snippet))
  const shell = runnable.filter(({ language }) => language === 'sh')
  const printed = new Map<Snippet, string>()

  for (const snippet of snippets.filter(isExcepted))
    it(`${nameOf(snippet)} says why it is not run`, () => {
      tally.excepted.push(`${nameOf(snippet)}: ${snippet.note!.slice('not run, '.length)}`)
      expect(snippet.note!.length).toBeGreaterThan('not run, '.length + 10)
    })

  it.runIf(shell.length > 0)('its commands, one after another in one terminal', async () => {
    const outputs = await runInShell(
      shell.map(({ text }) => text),
      server,
      dir,
    )
    shell.forEach((snippet, i) => void printed.set(snippet, outputs[i]!))
    tally.ran += shell.length
  })

  for (const snippet of runnable.filter(({ language }) => language !== 'sh'))
    it(nameOf(snippet), async ({ skip }) => {
      if (inBrowser(snippet) && !browser) {
        tally.excepted.push(`${nameOf(snippet)}: there is no browser on this machine`)
        skip()
      }
      await checkSnippet(server, snippet, printed.get(snippets[snippets.indexOf(snippet) - 1]!))
      tally.ran++
    })
})

describe("the console's first steps", () => {
  let server: TestServer
  let dir: string
  beforeAll(async () => {
    server = await startTestServer()
    dir = mkdtempSync(join(tmpdir(), 'fairway-snippets-'))
  })
  afterAll(async () => {
    await server?.close()
    if (dir) rmSync(dir, { recursive: true })
  })

  it.each(firstSteps('https://your-fairway', 'fw_track_…'))('$label', async ({ code, label }) => {
    const { project, trackingKey } = await createProject(server.app, { name: label })
    const own = { ...server, projectId: project.id, trackingKey }
    if (code.startsWith('curl')) await arrives(own, () => runInShell([code], own, dir))
    else if (!code.startsWith('<')) await arrives(own, () => runInNode(code, own))
    else if (browser) await runInBrowser(code, own, browser, await newsOf(own))
    else return void tally.excepted.push(`first steps, ${label}: there is no browser on this machine`)
    tally.ran++
    // A page's calls are requests of their own, in whatever order.
    const people = async () =>
      (
        await server.app.pool.query('select external_id, email from people where project_id = $1', [
          project.id,
        ])
      ).rows
    await expect.poll(people, { timeout: 60_000 }).toEqual([{ external_id: '1', email: 'ada@example.com' }])
  })
})

const inBrowser = ({ language, note }: Snippet) => language === 'html' || note === 'browser'

async function checkSnippet(server: TestServer, snippet: Snippet, before: string | undefined): Promise<void> {
  const { language, text, note } = snippet
  if (inBrowser(snippet)) await runInBrowser(text, server, browser!, await newsOf(server))
  else if (language === 'js') await arrives(server, () => runInNode(text, server))
  else if (language === 'sql') await inPostgres(server, text)
  else if (language === 'json')
    await checkJson(server, JSON.parse(text), note, snippet.follows ? before : undefined)
  else if (language === 'csv' && note?.startsWith('imports as '))
    await importsAs(server, text, {}, JSON.parse(note.slice('imports as '.length)))
  else throw new Error(`${nameOf(snippet)}: nothing here knows how to run ${language}; see testing/snippets`)
}

/** What a program sends is an event, processed. */
async function arrives(server: TestServer, run: () => Promise<unknown>): Promise<void> {
  const news = await newsOf(server)
  await run()
  await until(news)
}

async function newsOf(server: TestServer): Promise<() => Promise<boolean>> {
  const before = await eventsOf(server)
  return async () => (await eventsOf(server)) > before
}

async function eventsOf({ app, projectId }: TestServer): Promise<number> {
  const { rows } = await app.pool.query<{ count: number }>(
    'select count(*)::int as count from events where project_id = $1',
    [projectId],
  )
  return rows[0]!.count
}

/** Roles are of the whole PostgreSQL: nothing is kept. */
async function inPostgres({ app }: TestServer, text: string): Promise<void> {
  const client = await app.pool.connect()
  try {
    await client.query('begin')
    for (const statement of text.split(';').filter((part) => part.trim() !== ''))
      await client.query(statement)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

const replyTo = /^reply to (GET|POST|PUT|PATCH|DELETE) (\S+)(?: (.*))?$/

async function checkJson(
  server: TestServer,
  value: unknown,
  note: string | undefined,
  before: string | undefined,
) {
  const [, method, path, body] = replyTo.exec(note ?? '') ?? []
  if (method !== undefined) {
    const reply = await rest(server, method, path!, body === undefined ? undefined : JSON.parse(body))
    expect(differences(reply, value)).toEqual([])
  } else if (note === 'conditions')
    expect(await rest(server, 'POST', 'campaigns', await campaignWith(server, value))).toMatchObject({
      conditions: value,
    })
  else if (note === 'people')
    await importsAs(
      server,
      JSON.stringify(value),
      { from: 'fairway', format: { type: 'ndjson' } },
      { rows: 1, created: 1, rejected: 0 },
    )
  else if (before !== undefined) expect(JSON.parse(before.trim().split('\n').at(-1)!)).toEqual(value)
  else
    throw new Error(
      'JSON must say what it is: <!-- snippet: reply to GET settings -->, conditions, people; or follow a command',
    )
}

/**
 * Members that only one of both has, or that are of another type. What is null in one may be anything in the other, and of a list
 * the first element stands for all.
 */
function differences(real: unknown, documented: unknown, path = ''): string[] {
  if (real === null || documented === null) return []
  if (Array.isArray(real) && Array.isArray(documented))
    return real.length && documented.length ? differences(real[0], documented[0], `${path}[0]`) : []
  if (!isObject(real) || !isObject(documented))
    return typeof real === typeof documented ? [] : [`${path} is ${typeof real}, not ${typeof documented}`]
  const names = new Set([...Object.keys(real), ...Object.keys(documented)])
  return [...names].flatMap((name) => {
    const member = `${path}.${name}`
    if (!(name in documented)) return `${member} is not documented`
    if (!(name in real)) return `${member} is not there`
    return differences(real[name], documented[name], member)
  })
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The campaign in which they may speak of their trigger, too. */
async function campaignWith(server: TestServer, conditions: unknown) {
  const template = { name: 'Hello', fromAddress: 'a@example.com', subject: 'Hi', html: '<p>Hi</p>' }
  const { id } = (await rest(server, 'POST', 'templates', template)) as { id: number }
  return { name: 'Cart', triggerEvent: 'Added to cart', templateId: id, conditions }
}

/** A file that becomes so many people and refused rows. */
async function importsAs(server: TestServer, file: string, options: object, counts: unknown): Promise<void> {
  const { id } = (await rest(server, 'POST', 'imports', { kind: 'people', ...options })) as { id: number }
  await send(server, 'PUT', `imports/${id}/file?last=true`, file, 'application/octet-stream')
  const state = async () => (await rest(server, 'GET', `imports/${id}`)) as { state: string }
  await until(async () => (await state()).state === 'ready')
  await rest(server, 'POST', `imports/${id}/start`, {})
  await until(async () => ['done', 'failed'].includes((await state()).state))
  expect(await state()).toMatchObject({ state: 'done', counts })
}

const rest = (server: TestServer, method: string, path: string, body?: unknown) =>
  send(server, method, path, body === undefined ? undefined : JSON.stringify(body), 'application/json')

/** Paths are of the project, or whole when they begin with a slash. An error is what a document may show, too. */
async function send(
  { url, projectId, trackingKey, secretKey }: TestServer,
  method: string,
  path: string,
  body: string | undefined,
  type: string,
) {
  const whole = path.startsWith('/')
  const response = await fetch(whole ? url + path : `${url}/api/v1/projects/${projectId}/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${whole ? trackingKey : secretKey}`,
      ...(body !== undefined && { 'content-type': type }),
    },
    body,
  })
  const text = await response.text()
  return text === '' ? undefined : (JSON.parse(text) as unknown)
}

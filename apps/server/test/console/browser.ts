import { existsSync } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core'
import { type ExpectStatic, expect } from 'vitest'
import { ensureBuilt } from '../../../../testing/built.ts'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { type CreatedProject, createProject } from '../../src/accounts/projects.ts'
import { createSignInLink } from '../../src/accounts/sign-in-link.ts'
import type { Config } from '../../src/platform/config.ts'

const places = [
  process.env.FAIRWAY_TEST_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

export const executablePath = places.find((path) => path !== undefined && existsSync(path))

/** For `describe.skipIf`: these tests need a real browser, which not every machine has. */
export const noBrowser = executablePath === undefined

if (noBrowser)
  console.warn(
    'No Chromium found: the console tests are skipped. Install it, or set FAIRWAY_TEST_CHROMIUM to its path.',
  )

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A browser on a busy machine is slow: only what never comes is a failure. Below vitest's own ceiling, to say what. */
const patienceMs = 50_000

export interface Console {
  server: TestServer
  project: CreatedProject['project']
  trackingKey: string
  secretKey: string
  browser: Browser
  /** The address of a page of the project: `path('people')`. */
  path(page: string): string
  signInLink(): Promise<string>
  /** A browser of somebody who has not signed in. */
  visitor(options?: BrowserContextOptions): Promise<BrowserContext>
  /** A browser that has signed in by a one-time link. */
  signIn(options?: BrowserContextOptions): Promise<BrowserContext>
  close(): Promise<void>
}

/** The built console on the real server, and a real browser. */
export async function openConsole(config: Partial<Config> = {}): Promise<Console> {
  await ensureBuilt('console')
  const server = await startTestServer({ config })
  const { project, trackingKey, secretKey } = await createProject(server.app, { name: 'Harbour Shoes' })
  const browser = await chromium.launch({ executablePath, args })
  const signInLink = async () => (await createSignInLink(server.app, { origin: server.url })).url
  const visitor = async (options?: BrowserContextOptions) => {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
    context.setDefaultTimeout(patienceMs)
    return context
  }
  return {
    server,
    project,
    trackingKey,
    secretKey,
    browser,
    visitor,
    path: (page) => `${server.url}/projects/${project.id}/${page}`,
    signInLink,
    async signIn(options) {
      const context = await visitor(options)
      const page = await context.newPage()
      await page.goto(await signInLink())
      await page.close()
      return context
    },
    async close() {
      await browser.close()
      await server.close()
    },
  }
}

/**
 * `expect` of what comes a moment later: a page shows what was done before it has moved the focus, changed its address
 * or heard from the server, and reading once reads too early on a fast machine.
 */
export const eventually = <T>(read: () => T | Promise<T>): ReturnType<ExpectStatic['poll']> =>
  expect.poll(read, { timeout: patienceMs, interval: 20 })

/** The element that keys go to. */
export const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement
    return {
      id: element?.id,
      tag: element?.tagName.toLowerCase(),
      role: element?.getAttribute('role'),
      text: element?.textContent,
    }
  })

/**
 * Presses keys that belong together, until `shown` is there: a machine that is busy lets more time pass between two of them
 * than the console takes for one shortcut.
 */
export async function pressTogether(page: Page, keys: string[], shown: Locator): Promise<void> {
  await eventually(async () => {
    for (const key of keys) await page.keyboard.press(key)
    return shown.waitFor({ timeout: 2_000 }).then(
      () => true,
      () => false,
    )
  }).toBe(true)
}

/** An event as a product sends it. */
export async function track(
  { server, trackingKey }: Pick<Console, 'server' | 'trackingKey'>,
  event: { id: string; email: string; name: string; data?: object },
): Promise<void> {
  const response = await fetch(`${server.url}/api/v2/events/track`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth_token: trackingKey,
      identity: { id: event.id, email: event.email },
      event_name: event.name,
      data: event.data ?? {},
    }),
  })
  if (!response.ok) throw new Error(`The event was not accepted: ${response.status} ${await response.text()}`)
}

/** A request to the project's REST API: JSON, or the bytes of a file. */
export async function send<Reply = { id: number; state: string }>(
  { server, project, secretKey }: Pick<Console, 'server' | 'project' | 'secretKey'>,
  method: string,
  path: string,
  body?: object | string,
): Promise<Reply> {
  const response = await fetch(`${server.url}/api/v1/projects/${project.id}/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${secretKey}`,
      ...(body && {
        'content-type': typeof body === 'string' ? 'application/octet-stream' : 'application/json',
      }),
    },
    body: typeof body === 'object' ? JSON.stringify(body) : body,
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Reply
}

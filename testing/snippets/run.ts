import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import ts from 'typescript'
import { ensureBuilt } from '../built.ts'
import type { TestServer } from '../server.ts'
import { until } from '../until.ts'
import { root } from './markdown.ts'

const run = promisify(execFile)

/** The names that documents use for what each reader has another one of. */
const placeholders = (server: TestServer): [RegExp, string][] => [
  [/http:\/\/localhost:3000|https:\/\/your-fairway/g, server.url],
  [/fw_track_…/g, server.trackingKey],
  [/fw_secret_…/g, server.secretKey],
]

export const filledIn = (text: string, server: TestServer): string =>
  placeholders(server).reduce((filled, [pattern, value]) => filled.replace(pattern, value), text)

/**
 * `curl … # until "state" is "done"`: what a reader does again until it is so. The form is part of the text, because a reader
 * must know it, too.
 */
const patient = /^(.*\S) +# until "(\w+)" is "(\w+)"$/gm

/**
 * Runs the shell blocks of one document in one shell, one after another, as a reader would in one terminal: what one exports the
 * next one has, and what none sets is an error. Resolves with what each printed.
 *
 * @param dir where they run; files that a document takes for granted are put there before
 */
export async function runInShell(blocks: string[], server: TestServer, dir: string): Promise<string[]> {
  const steps = blocks.map((text, i) => {
    const steady = filledIn(text, server).replace(
      patient,
      (_, command, field, value) =>
        `until ${command} | tee last.out | grep -q '"${field}":"${value}"'; do sleep 0.1; done; cat last.out`,
    )
    return `{\n${steady}\n} > ${i}.out`
  })
  await ensureBuilt('server')
  const cli = `node ${root}apps/server/dist/cli/main.js`
  const script = `set -euo pipefail
curl() { command curl --silent --show-error --fail-with-body "$@"; }
npx() { [ "$1" = fairway ]; shift; ${cli} "$@"; }
${steps.join('\n')}
`
  writeFileSync(join(dir, 'snippets.sh'), script)
  const { config, pool } = server.app
  try {
    await run('bash', ['snippets.sh'], {
      cwd: dir,
      env: {
        PATH: process.env.PATH,
        HOME: dir,
        DATABASE_URL: (pool.options as { connectionString?: string }).connectionString ?? config.databaseUrl,
        FAIRWAY_DATA_DIR: config.dataDir,
        FAIRWAY_PORT: new URL(server.url).port,
      },
      timeout: 120_000,
    })
  } catch (error) {
    const printed = blocks.map((_, i) => contentOf(join(dir, `${i}.out`))).join('')
    throw new Error(`${(error as Error).message}\nprinted: ${printed}`)
  }
  return blocks.map((_, i) => contentOf(join(dir, `${i}.out`)))
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Runs a program of a document in a process of its own, with the packages of this checkout. */
export const runInNode = (text: string, server: TestServer): Promise<string> =>
  inFile('snippet.mjs', filledIn(text, server), async (file) => {
    const { stdout } = await run(process.execPath, [file], { timeout: 60_000 })
    return stdout
  })

/** Checks the types of a program of a document as its reader's compiler would, then runs it; resolves with what it printed. */
export const runTypeScript = (text: string, environment: Record<string, string> = {}): Promise<string> =>
  inFile('snippet.ts', text, async (file) => {
    const program = ts.createProgram([file], {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: ['node'],
      customConditions: ['source'],
      allowImportingTsExtensions: true,
    })
    const faults = ts.getPreEmitDiagnostics(program, program.getSourceFile(file))
    if (faults.length > 0)
      throw new Error(
        ts.formatDiagnostics(faults, {
          getCurrentDirectory: () => root,
          getCanonicalFileName: (name) => name,
          getNewLine: () => '\n',
        }),
      )
    return runSource(file, environment)
  })

/** A TypeScript file, with the sources of this checkout's packages. */
export async function runSource(file: string, environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run(process.execPath, ['--conditions=source', '--import', 'tsx', file], {
    cwd: root,
    env: { ...process.env, ...environment },
    timeout: 120_000,
  })
  return stdout
}

/** Within this checkout, where a program finds its packages. */
async function inFile<T>(name: string, text: string, use: (file: string) => Promise<T>): Promise<T> {
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const dir = mkdtempSync(join(cache, 'snippet-'))
  try {
    const file = join(dir, name)
    writeFileSync(file, text)
    // Top-level await is for modules.
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}')
    return await use(file)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** A page of another site, in a real browser, that runs what a document tells its author to put there. */
export async function runInBrowser(
  text: string,
  server: TestServer,
  browser: Browser,
  done: () => unknown,
): Promise<string[]> {
  const filled = filledIn(text, server)
  const html = /^\s*</.test(filled) ? filled : `<script type="module">${await bundled(filled)}</script>`
  const site = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(`<!doctype html><title>A shop</title><body>${html}</body>`)
  })
  await new Promise<void>((ready) => site.listen(0, '127.0.0.1', ready))
  const page = await browser.newPage()
  const asked = new Set<string>()
  const faults: string[] = []
  page.on('request', (request) => asked.add(new URL(request.url()).origin))
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  try {
    const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
    await page.goto(origin)
    await until(async () => faults.length > 0 || (await done()))
    if (faults.length > 0) throw new Error(faults.join('\n'))
    asked.delete(origin)
    return [...asked]
  } finally {
    await page.close()
    site.close()
  }
}

/** As a page's own build would make it. */
async function bundled(text: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: text, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return outputFiles[0]!.text.replaceAll('</script', '<\\/script')
}

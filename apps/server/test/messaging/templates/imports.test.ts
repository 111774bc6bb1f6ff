import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const src = fileURLToPath(new URL('../../../src', import.meta.url))

/** What works on tenants' text without a limit of its own. */
const forRendering = [
  'liquidjs',
  'html-to-text',
  'postal-mime',
  'nodemailer/lib/mail-composer',
  'nodemailer/lib/qp',
  'nodemailer/lib/dkim',
]

/** The packages that a program loads, with the file that asks for each. Types are not loaded. */
function packagesOf(program: string): Map<string, string> {
  const packages = new Map<string, string>()
  const seen = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    const statements =
      /^(?:import|export)\s+(?!type\b)[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm
    for (const [, from, bare, later] of readFileSync(file, 'utf8').matchAll(statements)) {
      const name = (from ?? bare ?? later)!
      if (name.startsWith('.')) visit(resolve(dirname(file), name))
      else packages.set(name, relative(src, file))
    }
  }
  visit(join(src, program))
  return packages
}

test('the server itself loads nothing that renders, and a render process loads no database', () => {
  const server = packagesOf('cli/main.ts')
  const program = packagesOf('messaging/delivery/render-program.ts')
  expect(server.size).toBeGreaterThan(20)
  expect(
    forRendering.filter((name) => server.has(name)).map((name) => `${server.get(name)}: ${name}`),
  ).toEqual([])
  for (const name of forRendering) expect(program.has(name), name).toBe(true)
  for (const name of ['pg', 'fastify', '@fairway/queue']) expect(program.has(name), name).toBe(false)
})

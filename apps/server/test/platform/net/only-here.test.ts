import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'

const source = join(import.meta.dirname, '../../../src')

/** What a module may take although it could connect: things that don't. */
const harmless = new Set(['createServer', 'isIP', 'isIPv4', 'isIPv6', 'STATUS_CODES', 'BlockList'])

/** Modules and packages by which something leaves, and the files that may use them, with the reason. */
const may: Record<string, Record<string, string>> = {
  'node:net': {
    'platform/net/connections.ts': 'the guard',
    'platform/net/addresses.ts': 'tells addresses apart',
  },
  'node:http': { 'platform/net/connections.ts': 'the guard' },
  'node:https': { 'platform/net/connections.ts': 'the guard' },
  'node:dns': { 'platform/net/connections.ts': 'the guard' },
  'node:dns/promises': {},
  'node:tls': {},
  'node:http2': {},
  'node:dgram': {},
  undici: {},
  nodemailer: { 'messaging/channels/email/smtp.ts': 'given sockets by getSocket' },
  mysql2: { 'exchange/sources/mysql-reader.ts': 'given a socket by connectGuarded' },
  'mysql2/promise': {},
  pg: {
    'exchange/sources/postgres-reader.ts': 'given a GuardedSocket',
    'platform/db/database.ts': "the operator's DATABASE_URL",
    'platform/db/migrate.ts': "the operator's DATABASE_URL",
    'platform/db/embedded.ts': 'our own PostgreSQL',
    'platform/db/faults.ts': 'knows its errors',
  },
}
const aliases = new Map(
  Object.keys(may).flatMap((name) => [
    [name, name],
    [name.replace('node:', ''), name],
  ]),
)
const globals = new Set(['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'])

/** Uses of what connects, as `file: what`. */
function usesIn(path: string, text: string): string[] {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const uses: string[] = []
  const use = (specifier: ts.Node | undefined, what: () => string[]) => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return
    const name = aliases.get(specifier.text)
    if (name === undefined || may[name]![path] !== undefined) return
    for (const one of what()) if (!harmless.has(one)) uses.push(`${path}: ${one} of ${name}`)
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && !node.importClause?.isTypeOnly)
      use(node.moduleSpecifier, () => {
        const named = node.importClause?.namedBindings
        const names = named && ts.isNamedImports(named) ? named.elements.filter((e) => !e.isTypeOnly) : []
        return [
          ...(node.importClause?.name || !node.importClause ? ['all'] : []),
          ...(named && ts.isNamespaceImport(named) ? ['all'] : []),
          ...names.map((element) => (element.propertyName ?? element.name).text),
        ]
      })
    if (ts.isExportDeclaration(node) && !node.isTypeOnly) use(node.moduleSpecifier, () => ['all'])
    if (ts.isCallExpression(node)) {
      const { expression } = node
      const loads =
        expression.kind === ts.SyntaxKind.ImportKeyword ||
        /(^|\.)(require|getBuiltinModule)$/.test(expression.getText())
      if (loads) use(node.arguments[0], () => ['all'])
    }
    if (ts.isIdentifier(node) && globals.has(node.text)) {
      const { parent } = node
      const isName =
        (ts.isPropertyAccessExpression(parent) &&
          parent.name === node &&
          parent.expression.getText() !== 'globalThis') ||
        ts.isPropertyAssignment(parent) ||
        ts.isMethodDeclaration(parent) ||
        ts.isTypeReferenceNode(parent)
      if (!isName) uses.push(`${path}: ${node.text}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return uses
}

it('nothing connects to other machines but through platform/net/', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  expect(files.length).toBeGreaterThan(200)
  const uses = files.flatMap((name) =>
    usesIn(name.replaceAll('\\', '/'), readFileSync(join(source, name), 'utf8')),
  )
  expect(uses).toEqual([])
})

it.each([
  "import net from 'node:net'",
  "import * as tls from 'tls'",
  "import { connect, createServer } from 'node:net'",
  "import { request as ask } from 'http'",
  "import 'undici'",
  "export { get } from 'node:https'",
  "const http2 = await import('node:http2')",
  "const dgram = require('dgram')",
  "process.getBuiltinModule('node:net').connect(1)",
  "await fetch('http://example.com')",
  "globalThis.fetch('http://example.com')",
  'const get = fetch',
  "new WebSocket('ws://example.com')",
])('this would be found: %s', (text) => expect(usesIn('other.ts', text)).toHaveLength(1))

it.each([
  "import type { Socket } from 'node:net'",
  "import { createServer, type Socket } from 'node:net'",
  "import { STATUS_CODES } from 'node:http'",
  'cache.fetch(1)',
])('this would not: %s', (text) => expect(usesIn('other.ts', text)).toEqual([]))

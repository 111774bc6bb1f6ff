import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** From top to bottom: a wing imports from those behind it alone. What puts the parts together stands before all of them. */
const wings = [
  'exchange',
  'operations',
  'ingest',
  'automation',
  'messaging',
  'audience',
  'accounts',
  'platform',
]
const maxEntries = 26

type Graph = Map<string, Set<string>>

/** Which file imports which, types included, by their paths below `folder`. */
function importsOf(folder: string): Graph {
  const source = join(root, folder)
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tsx?$/.test(name),
  )
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(source, file), 'utf8'))
      const local = importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
      const paths = local.map(({ fileName }) =>
        relative(source, resolve(join(source, file), '..', fileName)).replace(/\.js$/, '.ts'),
      )
      return [file, new Set(paths)]
    }),
  )
}

/** The same between groups of files. */
function grouped(imports: Graph, groupOf: (file: string) => string): Graph {
  const groups: Graph = new Map()
  for (const [file, targets] of imports)
    for (const target of targets) {
      const [from, to] = [groupOf(file), groupOf(target)]
      if (from !== to) groups.set(from, (groups.get(from) ?? new Set()).add(to))
    }
  return groups
}

/** The first way round that is found, as `a > b > a`. */
function circleIn(graph: Graph): string | undefined {
  const done = new Set<string>()
  const walk = (node: string, path: string[]): string | undefined => {
    const at = path.indexOf(node)
    if (at >= 0) return [...path.slice(at), node].join(' > ')
    if (done.has(node)) return undefined
    for (const next of graph.get(node) ?? []) {
      const circle = walk(next, [...path, node])
      if (circle) return circle
    }
    done.add(node)
    return undefined
  }
  for (const node of graph.keys()) {
    const circle = walk(node, [])
    if (circle) return circle
  }
  return undefined
}

describe('the server', () => {
  const imports = importsOf('apps/server/src')
  const levelOf = (file: string) => wings.indexOf(file.split('/')[0]!)

  test('imports go down from wing to wing', () => {
    const upward = [...imports].flatMap(([file, targets]) =>
      [...targets].filter((target) => levelOf(target) < levelOf(file)).map((target) => `${file} > ${target}`),
    )
    expect(upward).toEqual([])
  })

  test('folders of a wing import each other one way', () => {
    const folderOf = (file: string) => {
      const parts = file.split('/')
      if (levelOf(file) < 0) return parts[0]!
      // A file beside the folders of the platform stands for itself: everything may use errors, which use nothing.
      return parts.length > 2 || parts[0] === 'platform' ? parts.slice(0, 2).join('/') : parts[0]!
    }
    expect(circleIn(grouped(imports, folderOf))).toBeUndefined()
  })

  test('the top of src is the wings and what puts them together', () => {
    const entries = readdirSync(join(root, 'apps/server/src'))
    expect(entries.length).toBeLessThanOrEqual(maxEntries)
    for (const wing of wings)
      expect(existsSync(join(root, 'apps/server/src', wing, 'README.md')), `README.md of ${wing}`).toBe(true)
  })
})

test.each(['apps/server/src', 'apps/dashboard/src'])(
  'no file of %s imports itself by a way round, not even its types',
  (folder) => expect(circleIn(importsOf(folder))).toBeUndefined(),
)

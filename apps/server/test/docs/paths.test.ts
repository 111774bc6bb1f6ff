import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../../../testing/snippets/markdown.ts'

/** Documents for people who change Fairway, with the folders that their paths are meant from. */
const documents = [
  'CONTRIBUTING.md',
  'docs/adding.md',
  'docs/internals.md',
  'apps/server/src/README.md',
  'packages/queue/src/README.md',
]
const bases = [
  '',
  'apps/server/src',
  'apps/server',
  'apps/dashboard/src',
  'packages/queue/src',
  'packages/queue',
  'docs',
]
const source = join(root, 'apps/server/src')

const filesOf = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => `/${path}`)
const known = ['apps/server/src', 'packages/queue/src'].flatMap(filesOf)

/** A path by itself, or as the end of one whose folder the sentence has named before. */
const isThere = (path: string) =>
  bases.some((base) => existsSync(join(root, base, path))) || known.some((file) => file.endsWith(`/${path}`))

const wings = readdirSync(source, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(source, entry.name, 'README.md')))
  .map(({ name }) => `apps/server/src/${name}/README.md`)

test.each([...documents, ...wings])('files that %s names exist', (document) => {
  const text = readFileSync(join(root, document), 'utf8').replace(/```[\s\S]*?```/g, '')
  const paths = [...text.matchAll(/`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|tsx|mjs|sql|md))`/g)].map(
    ([, path]) => path!,
  )
  expect(paths.filter((path) => !isThere(path))).toEqual([])
})

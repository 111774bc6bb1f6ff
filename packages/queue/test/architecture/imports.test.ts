import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { circleIn, grouped, importsOf, upwardIn } from '../../../../testing/import-graph.ts'

const source = fileURLToPath(new URL('../../src/', import.meta.url))
const tests = fileURLToPath(new URL('../', import.meta.url))
const imports = importsOf(source)

/** From top to bottom: a folder imports from those behind it alone. What puts them together stands before all of them. */
const folders = ['observe', 'maintenance', 'producer', 'worker', 'stores', 'pages', 'common', 'api']

const partsOf = (file: string) => file.split('/')

test('imports go down from folder to folder', () => {
  const levelOf = (file: string) => folders.indexOf(partsOf(file)[0]!)
  expect(upwardIn(imports, levelOf)).toEqual([])
})

test('every folder of src has its level', () => {
  const entries = readdirSync(source, { withFileTypes: true })
  expect(
    entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort(),
  ).toEqual(folders.toSorted())
})

test('folders within a folder import each other one way', () => {
  const groupOf = (file: string) => partsOf(dirname(file)).slice(0, 2).join('/')
  expect(circleIn(grouped(imports, groupOf))).toBeUndefined()
})

test('a store knows no other, but for the one that moves jobs between them', () => {
  const storeOf = (file: string) => (file.startsWith('stores/') ? partsOf(dirname(file))[1] : undefined)
  const others = [...imports].flatMap(([file, targets]) =>
    [...targets].filter((target) => storeOf(file) && storeOf(target) && storeOf(file) !== storeOf(target)),
  )
  expect(others).toEqual(['stores/postgres/connection.ts'])
})

test('no file imports itself by a way round, not even its types', () => {
  expect(circleIn(imports)).toBeUndefined()
})

test('tests are in folders of the same names', () => {
  const own = ['architecture', ...folders]
  const entries = readdirSync(tests, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(entries.map(({ name }) => name).filter((name) => !own.includes(name))).toEqual([])
})

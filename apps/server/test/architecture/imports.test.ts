import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { circleIn, grouped, importsOf, upwardIn } from '../../../../testing/import-graph.ts'

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

/** Tables that belong to one wing: others get at what is in them by its functions, and those below by lists that it joins. */
const tablesOf: Record<string, string[]> = { automation: ['campaigns', 'behavioral_campaigns'] }

describe('the server', () => {
  const imports = importsOf(join(root, 'apps/server/src'))
  const levelOf = (file: string) => wings.indexOf(file.split('/')[0]!)

  test('imports go down from wing to wing', () => {
    expect(upwardIn(imports, levelOf)).toEqual([])
  })

  test('only its own wing names a table in SQL', () => {
    const foreign = [...imports.keys()].flatMap((file) => {
      const sql = readFileSync(join(root, 'apps/server/src', file), 'utf8')
      return Object.entries(tablesOf).flatMap(([wing, tables]) =>
        file.startsWith(`${wing}/`) || file.includes('/migrations/')
          ? []
          : tables
              .filter((table) =>
                new RegExp(`\\b(?:from|join|update|into|using)\\s+${table}\\b`, 'i').test(sql),
              )
              .map((table) => `${file} names ${table}`),
      )
    })
    expect(foreign).toEqual([])
  })

  test('what is written for all channels knows none of them', () => {
    const free = (file: string) =>
      file.startsWith('messaging/delivery/')
        ? !file.endsWith('/render-program.ts')
        : /^messaging\/channels\/[^/]+$/.test(file)
    // The list, and routes that are of mail alone.
    const joins = ['messaging/channels/list.ts', 'messaging/channels/routes.ts']
    const known = [...imports].flatMap(([file, targets]) =>
      free(file) && !joins.includes(file)
        ? [...targets]
            .filter((target) => /^messaging\/channels\/[^/]+\//.test(target))
            .map((target) => `${file} > ${target}`)
        : [],
    )
    expect(known).toEqual([])
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
  (folder) => expect(circleIn(importsOf(join(root, folder)))).toBeUndefined(),
)

test('the console takes types alone from @fairway/api: schemas would double it', () => {
  const folder = join(root, 'apps/dashboard/src')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tsx?$/.test(name),
  )
  const imports = files.flatMap((file) =>
    [
      ...readFileSync(join(folder, file), 'utf8').matchAll(/^(?:import|export)[^'"]* from '@fairway\/api'/gm),
    ].map(([text]) => ({ file, text })),
  )
  expect(imports.length).toBeGreaterThan(50)
  expect(imports.filter(({ text }) => !/^(import|export) type /.test(text))).toEqual([])
})

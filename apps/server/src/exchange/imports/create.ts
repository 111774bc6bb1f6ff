import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { conflict, invalidField } from '../../platform/errors.ts'
import { createImportFile, startFetching } from './fetching.ts'
import type { Given } from './format.ts'
import type { ImportRow } from './imports.ts'
import { loadImport, requireImport } from './imports.ts'
import type { ImportKind, ImportSource } from './kinds.ts'
import { becomeReady } from './received.ts'

/** Of a project at a time, from the upload to the end. */
const maxOpen = 50

export interface NewImport {
  kind: ImportKind
  name?: string
  url?: string
  from?: ImportSource
  format?: Given
}

/** Makes an import; with a URL it is fetched by itself. */
export async function createImport(app: App, projectId: number, wanted: NewImport): Promise<ImportRow> {
  const { kind, from, url, format = {} } = wanted
  if (url !== undefined) checkUrl(url)
  const name = wanted.name?.trim() || (url && new URL(url).pathname.split('/').at(-1)) || kind
  const id = await withTransaction(app.pool, async (client) => {
    await refuseTooMany(client, projectId)
    const file = await createImportFile(app, client, projectId, name)
    const { rows } = await client.query<{ id: number }>(
      `insert into imports (project_id, kind, name, state, source, url, raw_file_id, given, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
      [
        projectId,
        kind,
        name.slice(0, 255),
        url === undefined ? 'uploading' : 'fetching',
        from ?? null,
        url === undefined ? null : app.secrets.encrypt(url),
        file,
        JSON.stringify(format),
        app.now(),
      ],
    )
    if (url !== undefined) await startFetching(app, client, projectId, { id: rows[0]!.id, name })
    return rows[0]!.id
  })
  return requireImport(app, projectId, id)
}

/**
 * Makes an import of a file that is here already, plain UTF-8 as it is; it is `ready` to be started. The import owns the
 * file from then on.
 */
export async function createImportOfFile(
  app: App,
  client: PoolClient,
  projectId: number,
  { kind, name, file, format }: { kind: ImportKind; name: string; file: number; format: Given },
): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    `insert into imports (project_id, kind, name, state, raw_file_id, given, created_at)
     values ($1, $2, $3, 'uploading', $4, $5, $6) returning id`,
    [projectId, kind, name.slice(0, 255), file, JSON.stringify(format), app.now()],
  )
  const row = await loadImport(client, projectId, rows[0]!.id)
  await becomeReady(client, row!, file, { compression: 'none', encoding: 'utf-8' })
  return rows[0]!.id
}

/** Each may hold five gigabytes. */
async function refuseTooMany(client: PoolClient, projectId: number): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*) from imports where project_id = $1 and state in ('uploading', 'fetching', 'ready', 'dry_run', 'importing')`,
    [projectId],
  )
  if (rows[0]!.count >= maxOpen)
    throw conflict(`${maxOpen} imports are not through yet; start, cancel or delete some of them`)
}

function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw invalidField('url', 'must be an address that begins with https:// or http://')
  if (url.username || url.password)
    throw invalidField('url', 'must not hold a user and password; use an address that is signed')
}

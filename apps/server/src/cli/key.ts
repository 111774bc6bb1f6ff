import { createKey, type KeyKind, listKeys, revokeKey } from '../accounts/keys.ts'
import { ApiError } from '../platform/errors.ts'
import { findProject } from './project.ts'
import { table } from './table.ts'
import { withApp } from './with-app.ts'
import { WrongArguments } from './wrong-arguments.ts'

interface Output {
  json?: boolean
  project: string
}

export async function createKeyCommand({
  json,
  project,
  kind,
  name = '',
}: Output & { kind: KeyKind; name?: string }): Promise<void> {
  const created = await withApp(async (app) => {
    const { id } = await findProject(app, project)
    return createKey(app, id, { kind, name })
  })
  if (json) return console.log(JSON.stringify(created))
  console.log(created.key)
  console.error(`A ${kind} key of project ${project}, number ${created.id}. Keep it: it is not shown again.`)
}

export async function listKeysCommand({ json, project }: Output): Promise<void> {
  const keys = await withApp(async (app) => listKeys(app, (await findProject(app, project)).id))
  if (json) return console.log(JSON.stringify({ keys }))
  if (keys.length === 0) return console.log(`Project ${project} has no keys.`)
  const day = (date: Date | null) => date?.toISOString().slice(0, 10) ?? '-'
  console.log(
    table(
      ['id', 'kind', 'name', 'begins with', 'created', 'last used', 'revoked'],
      keys.map((key) => [
        key.id,
        key.kind,
        key.name,
        key.prefix,
        day(key.createdAt),
        day(key.lastUsedAt),
        day(key.revokedAt),
      ]),
    ),
  )
}

export async function revokeKeyCommand(key: number, { json, project }: Output): Promise<void> {
  await withApp(async (app) => {
    const { id } = await findProject(app, project)
    await revokeKey(app, id, key).catch((error) => {
      if (!(error instanceof ApiError && error.status === 404)) throw error
      throw new WrongArguments(
        `Project ${project} has no key ${key}: \`npx fairway key list --project ${project}\` shows their numbers.`,
      )
    })
  })
  if (json) return console.log(JSON.stringify({ revoked: key }))
  console.log(`Key ${key} is revoked; running servers refuse it within 10 seconds.`)
}

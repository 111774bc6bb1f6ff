import {
  addSuppression,
  listSuppressions,
  removeSuppression,
  type Suppression,
} from '../audience/people/suppressions.ts'
import { ApiError } from '../platform/errors.ts'
import { findProject } from './project.ts'
import { printable, table } from './table.ts'
import { withApp } from './with-app.ts'
import { WrongArguments } from './wrong-arguments.ts'

interface Output {
  json?: boolean
  project: string
}

interface Listing extends Output {
  search?: string
  reason?: string
  limit: number
}

const pageSize = 1_000

export async function listSuppressionsCommand({
  json,
  project,
  search,
  reason,
  limit,
}: Listing): Promise<void> {
  const { found, more } = await withApp(async (app) => {
    const { id } = await findProject(app, project)
    const found: Suppression[] = []
    let cursor: string | undefined
    do {
      const page = { limit: Math.min(pageSize, limit - found.length), cursor }
      const { items, nextCursor } = await listSuppressions(app, id, { search, reason }, page)
      found.push(...items)
      cursor = nextCursor ?? undefined
    } while (cursor !== undefined && found.length < limit)
    return { found, more: cursor !== undefined }
  })
  if (json) return console.log(JSON.stringify({ suppressions: found, more }))
  if (found.length === 0) return console.log(`Project ${project} has no such suppressed addresses.`)
  console.log(
    table(
      ['address', 'reason', 'since'],
      found.map(({ address, reason, createdAt }) => [address, reason, createdAt.toISOString().slice(0, 10)]),
    ),
  )
  if (more) console.error(`These are the latest ${limit}; --limit shows more, --search finds some.`)
}

export async function addSuppressionCommand(
  address: string,
  { json, project, reason }: Output & { reason: string },
): Promise<void> {
  const { suppression, added } = await withApp(async (app) => {
    const { id } = await findProject(app, project)
    return addSuppression(app, id, { address, reason, by: 'the command line' }).catch(asWrongArguments)
  })
  if (json) return console.log(JSON.stringify({ suppression, added }))
  console.log(
    added
      ? `${suppression.address} is suppressed: nothing is sent there.`
      : `${suppression.address} was suppressed already, since ${suppression.createdAt.toISOString().slice(0, 10)}: ${printable(suppression.reason)}`,
  )
}

export async function removeSuppressionCommand(address: string, { json, project }: Output): Promise<void> {
  await withApp(async (app) => {
    const { id } = await findProject(app, project)
    await removeSuppression(app, id, address).catch((error) => {
      if (!(error instanceof ApiError && error.status === 404)) return asWrongArguments(error)
      throw new WrongArguments(`Project ${project} does not suppress ${address}.`)
    })
  })
  if (json) return console.log(JSON.stringify({ removed: address }))
  console.log(`${address} may be sent to again.`)
}

function asWrongArguments(error: unknown): never {
  if (error instanceof ApiError) throw new WrongArguments(error.message)
  throw error
}

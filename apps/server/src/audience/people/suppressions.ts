import type { App } from '../../platform/app.ts'
import { type Page, readCursor, timestampShape, writeCursor } from '../../platform/db/cursor.ts'
import { addressKey, addressParts, addressProblem } from '../../platform/email-address.ts'
import { conflict, invalidField, notFound } from '../../platform/errors.ts'
import { addressKeySql } from './address-sql.ts'
import { withPeople } from './session.ts'

/** An address that is never sent to. */
export interface Suppression {
  /** As addresses are compared: in lower case. */
  address: string
  reason: string
  createdAt: Date
  /** A member's address, or the beginning of a key; null where nobody did it by hand. */
  addedBy: string | null
}

export interface SuppressionFilter {
  /** A whole address, or a part of one. */
  search?: string
  /** How the reason begins. */
  reason?: string
  /** When it was listed: from the first on, before the second. */
  from?: Date
  to?: Date
}

export interface SuppressionPage extends Page<Suppression> {
  /** How many were looked at. */
  examined: number
}

interface ExaminedRow extends Suppression {
  exactly: string
  place: number
  matches: boolean
  examined: number
}

/** Addresses that one request looks at, most of them from the index alone; measured, a tenth of a second. */
const maxExamined = 50_000
const columns = 'address, reason, created_at as "createdAt", added_by as "addedBy"'

/** Newest first. Of a part that few addresses have, a page may be short while its cursor goes on. */
export async function listSuppressions(
  app: App,
  projectId: number,
  { search, reason, from, to }: SuppressionFilter,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<SuppressionPage> {
  const values: unknown[] = [projectId]
  const place = (value: unknown) => `$${values.push(value)}`
  const range = ['project_id = $1']
  if (from) range.push(`created_at >= ${place(from)}::timestamptz`)
  if (to) range.push(`created_at < ${place(to)}::timestamptz`)
  if (cursor !== undefined) {
    const [at, address] = readCursor(cursor, timestampShape, /^[^\0]*$/)
    range.push(`(created_at, address collate "C") < (${place(at)}::timestamptz, ${place(address)}::text)`)
  }
  const matches: string[] = []
  // A whole address is one row.
  if (search !== undefined && addressProblem(search) === undefined)
    range.push(`address = ${place(addressKey(search))}::text`)
  else if (search !== undefined)
    matches.push(
      `(${addressParts(search)
        .map((part) => `strpos(address, ${place(part)}::text) > 0`)
        .join(' or ')})`,
    )
  if (reason !== undefined) matches.push(`starts_with(reason, ${place(reason)}::text)`)
  const most = matches.length > 0 ? maxExamined : limit + 1
  const { rows } = await app.pool.query<ExaminedRow>(
    `with examined as (
       select ${columns}, created_at::text as exactly, ${matches.join(' and ') || 'true'} as matches,
         row_number() over (order by created_at desc, address collate "C" desc) as place
       from suppressions where ${range.join(' and ')}
       order by created_at desc, address collate "C" desc limit ${place(most)})
     select *, (select count(*) from examined) as examined from (
       (select * from examined where matches order by place limit ${place(limit + 1)})
       union (select * from examined order by place desc limit 1)) as e
     order by place`,
    values,
  )
  const found = rows.filter((row) => row.matches)
  const shown = found.slice(0, limit)
  const examined = rows[0]?.examined ?? 0
  // The page ends with its last row, or where looking ended.
  const last = found.length > limit ? shown.at(-1) : examined === maxExamined ? rows.at(-1) : undefined
  return {
    items: shown.map(({ address, reason, createdAt, addedBy }) => ({ address, reason, createdAt, addedBy })),
    nextCursor: last ? writeCursor(last.exactly, last.address) : null,
    examined: last?.place ?? examined,
  }
}

/**
 * Lists an address. One that is listed keeps its reason and its time: they tell why nothing was sent.
 *
 * @throws {ApiError} 422
 */
export async function addSuppression(
  app: App,
  projectId: number,
  { address, reason, by }: { address: string; reason: string; by?: string },
): Promise<{ suppression: Suppression; added: boolean }> {
  const key = requireKey(address)
  if (/[\0\p{Cs}]/u.test(reason))
    throw invalidField('reason', 'reason must not contain NUL or half a character')
  const { rows } = await app.pool.query<Suppression & { added: boolean }>(
    `with added as (
       insert into suppressions (project_id, address, reason, created_at, added_by) values ($1, $2, $3, $4, $5)
       on conflict do nothing returning ${columns}, true as added)
     select * from added
     union all
     select ${columns}, false from suppressions where project_id = $1 and address = $2`,
    [projectId, key, reason, app.now(), by ?? null],
  )
  // Somebody else listed it at this moment: the statement began before.
  if (rows.length === 0) return addSuppression(app, projectId, { address, reason, by })
  const { added, ...suppression } = rows[0]!
  return { suppression, added }
}

/**
 * Takes an address off the list, whatever the reason, and what was said by it: whoever gets it later may be sent to.
 *
 * @throws {ApiError} 404, 409 while somebody who holds it is suppressed, 422
 */
export async function removeSuppression(app: App, projectId: number, address: string): Promise<void> {
  const key = requireKey(address)
  // Nobody who is suppressed may get the address at this moment.
  await withPeople(app, projectId, { exclusive: true }, async ({ client, now }) => {
    const { rows: holders } = await client.query<{ id: number }>(
      `select id from people p where project_id = $1 and ${addressKeySql('p')} = $2 and suppressed order by id limit 10`,
      [projectId, key],
    )
    if (holders.length > 0)
      throw conflict(
        `Person ${holders.map(({ id }) => id).join(', ')}, who has this address, is suppressed: unsuppress them first`,
      )
    const { rowCount } = await client.query(
      'delete from suppressions where project_id = $1 and address = $2',
      [projectId, key],
    )
    if (rowCount === 0) throw notFound('Suppression')
    await client.query(
      `update address_consents set value = false, at = greatest(at + 1, $3)
       where project_id = $1 and address = $2 and register = '$suppressed' and value`,
      [projectId, key, now.getTime()],
    )
  })
}

function requireKey(address: string): string {
  const problem = addressProblem(address)
  if (problem !== undefined) throw invalidField('address', `address ${problem}`)
  return addressKey(address)
}

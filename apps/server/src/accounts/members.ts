import { randomUUID } from 'node:crypto'
import type { PoolClient } from 'pg'
import type { App } from '../platform/app.ts'
import { withTransaction } from '../platform/db/transaction.ts'
import { addressKey, addressProblem, domainOf } from '../platform/email-address.ts'
import { conflict, invalidField } from '../platform/errors.ts'
import type { Role } from '../platform/rights.ts'

export interface OrganizationSummary {
  id: string
  name: string
  role: Role
}

/** The organization that a new installation starts with; found by its slug, so that two processes make one. */
const firstSlug = 'first'
const firstName = 'My organization'
/** A user needs an address before mail is set up. `.invalid` never resolves, so nothing is ever sent there. */
const firstOwnerEmail = 'owner@fairway.invalid'

/** Id of the first organization, created when there is none. New projects belong to it unless told otherwise. */
export const firstOrganizationId = (app: App): Promise<string> =>
  withTransaction(app.pool, (client) => ensureOrganization(client))

async function ensureOrganization(client: PoolClient): Promise<string> {
  await client.query(
    'insert into organizations (id, name, slug) values ($1, $2, $3) on conflict (slug) do nothing',
    [randomUUID(), firstName, firstSlug],
  )
  const { rows } = await client.query<{ id: string }>(
    'select id from organizations order by "createdAt", id limit 1',
  )
  return rows[0]!.id
}

/** There is no user with this address, and nobody asked for one. */
export class UnknownAddress extends Error {
  readonly address: string

  constructor(address: string) {
    super(`There is no user ${address}`)
    this.name = 'UnknownAddress'
    this.address = address
  }
}

export interface WantedUser {
  /** Default: the first owner, who is made when there is none. */
  email?: string
  /** The role in the first organization that an unknown address becomes; without it none is made. */
  create?: Role
}

/**
 * The address that a sign-in link is made for. A user who is there already keeps their role.
 *
 * @throws {UnknownAddress}
 * @throws {ApiError} 422 for a new address that is none
 */
export const ensureUser = (
  app: App,
  { email, create }: WantedUser,
): Promise<{ email: string; created: boolean }> =>
  withTransaction(app.pool, async (client) => {
    const organizationId = await ensureOrganization(client)
    // Two starts at the same time must not both find the organization without an owner.
    await client.query('select 1 from organizations where id = $1 for update', [organizationId])
    const address =
      email === undefined
        ? ((await firstOwner(client, organizationId)) ?? firstOwnerEmail)
        : addressKey(email)
    const { rowCount } = await client.query('select 1 from users where email = $1', [address])
    if (rowCount) return { email: address, created: false }
    const role = email === undefined ? 'owner' : create
    if (role === undefined) throw new UnknownAddress(address)
    if (!isAddress(address)) throw invalidField('email', 'must be an email address such as you@example.com')
    const userId = randomUUID()
    await client.query('insert into users (id, name, email, "emailVerified") values ($1, $2, $3, true)', [
      userId,
      address.split('@')[0],
      address,
    ])
    await client.query('insert into members (id, "organizationId", "userId", role) values ($1, $2, $3, $4)', [
      randomUUID(),
      organizationId,
      userId,
      role,
    ])
    return { email: address, created: true }
  })

async function firstOwner(client: PoolClient, organizationId: string): Promise<string | undefined> {
  const { rows } = await client.query<{ email: string }>(
    `select u.email from members m join users u on u.id = m."userId"
     where m."organizationId" = $1 and m.role like '%owner%' order by m."createdAt", m.id limit 1`,
    [organizationId],
  )
  return rows[0]?.email
}

/**
 * Changes the user's name, and the address of the first owner, which is made up, once. Other addresses stay: they say
 * who was invited, and changing one needs a proof by mail.
 *
 * @throws {ApiError} 422 for an unusable value, 409 when the address is fixed or another user's.
 */
export async function updateUser(
  app: App,
  userId: string,
  { name, email }: { name?: string; email?: string },
): Promise<void> {
  const address = email === undefined ? undefined : addressKey(email)
  if (address !== undefined && !isAddress(address)) {
    throw invalidField('email', 'must be an email address such as you@example.com')
  }
  await withTransaction(app.pool, async (client) => {
    if (name !== undefined)
      await client.query('update users set name = $2 where id = $1', [userId, name.trim()])
    if (address === undefined) return
    const { rowCount } = await client.query(
      `update users set email = $2 where id = $1 and email in ($2, $3)
         and not exists (select 1 from users where email = $2 and id <> $1)`,
      [userId, address, firstOwnerEmail],
    )
    if (rowCount === 0) throw conflict('Your address can not be changed, or another user has this one')
  })
}

/** Without a dot, and two characters after it, a domain is a slip of the keyboard; better-auth takes none either. */
const isAddress = (text: string): boolean =>
  addressProblem(text) === undefined && /\.[^.]{2,}$/.test(domainOf(text))

/** The user's organizations, oldest first. */
export async function organizationsOf(app: App, userId: string): Promise<OrganizationSummary[]> {
  const { rows } = await app.pool.query<{ id: string; name: string; role: string }>(
    `select o.id, o.name, m.role from members m join organizations o on o.id = m."organizationId"
     where m."userId" = $1 order by o."createdAt", o.id limit 1000`,
    [userId],
  )
  return rows.map(({ id, name, role }) => ({ id, name, role: highestRole(role) }))
}

/** The role in the first organization, to which the installation belongs; undefined for others. */
export async function installationRole(app: App, userId: string): Promise<Role | undefined> {
  const { rows } = await app.pool.query<{ role: string }>(
    `select role from members where "userId" = $1
       and "organizationId" = (select id from organizations order by "createdAt", id limit 1)`,
    [userId],
  )
  return rows[0] && highestRole(rows[0].role)
}

export async function ownsAnOrganization(app: App, userId: string): Promise<boolean> {
  return (await organizationsOf(app, userId)).some(({ role }) => role === 'owner')
}

/** better-auth stores several roles separated by commas. */
export function highestRole(roles: string): Role {
  const given = roles.split(',').map((role) => role.trim())
  if (given.includes('owner')) return 'owner'
  return given.includes('admin') ? 'admin' : 'member'
}

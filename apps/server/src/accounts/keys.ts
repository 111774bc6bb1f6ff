import { hash as digest, randomBytes } from 'node:crypto'
import type { Pool } from 'pg'
import type { App } from '../platform/app.ts'
import { conflict, invalidField, notFound } from '../platform/errors.ts'
import { type KeyOwner, keyCache, putBounded } from './key-cache.ts'

export type { KeyOwner } from './key-cache.ts'

/** `tracking` may only write people and events; `secret` may do everything in its project. */
export type KeyKind = 'tracking' | 'secret'

/** What may be shown of a key after its creation. */
export interface KeySummary {
  id: number
  kind: KeyKind
  name: string
  /** The first characters of the key, so that people tell keys apart. */
  prefix: string
  createdAt: Date
  lastUsedAt: Date | null
  revokedAt: Date | null
}

/** The only moment the key itself is known: it is not stored. */
export interface CreatedKey extends KeySummary {
  key: string
}

const prefixes: Record<KeyKind, string> = { tracking: 'fw_track_', secret: 'fw_secret_' }
const randomByteCount = 27
const importedKey = /^[\x21-\x7e]{16,256}$/
const maxKeyLength = 256
const maxKeysPerProject = 100

/** Of a key that we made. */
export const keyPrefix = (key: string, kind: KeyKind): string => key.slice(0, prefixes[kind].length + 6)

/**
 * A plain SHA-256, not a password hash: a generated key has 216 random bits, so there is nothing to guess and a slow
 * hash would only slow down every request. Looking the digest up also makes the comparison independent of the key's
 * bytes: an attacker can't choose digests, so timing tells nothing about a stored key. In hexadecimal: a string is made in a
 * third of the time of a buffer, and each request of ingestion needs one.
 */
const hashKey = (key: string): string => digest('sha256', key, 'hex')

/** Of the keys that came last: the same few come thousands of times a second, and a digest is 2 % of what a request costs. */
const digests = new Map<string, string>()
const maxDigests = 256

function digestOf(key: string): string {
  const known = digests.get(key)
  if (known !== undefined) return known
  const hash = hashKey(key)
  putBounded(digests, key, hash, maxDigests)
  return hash
}

/**
 * Creates a key. `value` imports a tracking key that clients already use with another platform, so that only their
 * host changes; it must be 16–256 printable characters without spaces. `database`: a client, to take part in its
 * transaction.
 *
 * @throws {ApiError} 422 for an unusable `value`, 409 when it is taken or the project has 100 active keys, 404 without the project.
 */
export async function createKey(
  app: App,
  projectId: number,
  options: { kind: KeyKind; name?: string; value?: string },
  database: Pick<Pool, 'query'> = app.pool,
): Promise<CreatedKey> {
  const { kind, name = '', value } = options
  if (value !== undefined) checkImported(kind, value)
  const key = value ?? prefixes[kind] + randomBytes(randomByteCount).toString('base64url')
  const hash = hashKey(key)
  const prefix = value === undefined ? keyPrefix(key, kind) : key.slice(0, 4)

  const { rows } = await database.query<KeyRow>(
    `insert into api_keys (project_id, kind, name, hash, prefix, created_at)
     select id, $2, $3, $4, $5, $6 from projects
     where id = $1 and deleted_at is null
       and (select count(*) from api_keys where project_id = $1 and revoked_at is null) < $7
     on conflict (hash) do nothing
     returning ${keyColumns}`,
    [projectId, kind, name, Buffer.from(hash, 'hex'), prefix, app.now(), maxKeysPerProject],
  )
  const row = rows[0]
  if (!row) throw await whyNotCreated(app, projectId, hash)
  keyCache(app).forget(hash)
  return { ...summary(row), key }
}

function checkImported(kind: KeyKind, value: string): void {
  if (kind !== 'tracking') {
    throw invalidField(
      'value',
      'Only tracking keys can be imported; leave `value` out to get a new secret key',
    )
  }
  if (!importedKey.test(value)) {
    throw invalidField('value', 'An imported key must be 16 to 256 printable ASCII characters without spaces')
  }
  if (value.startsWith(prefixes.secret)) {
    throw invalidField('value', 'This looks like a secret key; clients must be given tracking keys only')
  }
}

async function whyNotCreated(app: App, projectId: number, hash: string) {
  const project = await app.pool.query('select 1 from projects where id = $1 and deleted_at is null', [
    projectId,
  ])
  if (project.rowCount === 0) return notFound('Project')
  const taken = await app.pool.query('select 1 from api_keys where hash = $1', [Buffer.from(hash, 'hex')])
  if (taken.rowCount) return conflict('This key is already in use or was revoked; create a new one')
  return conflict(`A project may have ${maxKeysPerProject} active keys; revoke one first`)
}

/** The project's keys, newest first; revoked ones stay listed so that their use in old clients can be traced. */
export async function listKeys(app: App, projectId: number): Promise<KeySummary[]> {
  const { rows } = await app.pool.query<KeyRow>(
    `select ${keyColumns} from api_keys where project_id = $1 order by id desc limit 1000`,
    [projectId],
  )
  return rows.map(summary)
}

/**
 * Revokes a key. This process refuses it at once, others within {@link positiveTtlMs} (10 s). Revoking twice is fine.
 *
 * @throws {ApiError} 404 when the project has no such key.
 */
export async function revokeKey(app: App, projectId: number, keyId: number): Promise<void> {
  const { rows } = await app.pool.query<{ hash: Buffer }>(
    `update api_keys set revoked_at = coalesce(revoked_at, $3) where project_id = $1 and id = $2 returning hash`,
    [projectId, keyId, app.now()],
  )
  const row = rows[0]
  if (!row) throw notFound('Key')
  keyCache(app).forget(row.hash.toString('hex'))
}

/** Asks the database for the key the next time, whatever is remembered of it. */
export const forgetKey = (app: App, plaintext: string): void => keyCache(app).forget(hashKey(plaintext))

/**
 * Whose key this is, or null when it is unknown or revoked. Answers without a promise when it is cached, which is
 * nearly always; `await` works on both.
 *
 * @throws {ApiError} 503 when the database can't be asked, or too many unknown keys are being asked for at once.
 */
export function findKey(app: App, plaintext: string): KeyOwner | null | Promise<KeyOwner | null> {
  if (plaintext.length < 16 || plaintext.length > maxKeyLength) return null
  return keyCache(app).find(digestOf(plaintext))
}

interface KeyRow {
  id: number
  kind: KeyKind
  name: string
  prefix: string
  created_at: Date
  last_used_at: Date | null
  revoked_at: Date | null
}

const keyColumns = 'id, kind, name, prefix, created_at, last_used_at, revoked_at'

const summary = (row: KeyRow): KeySummary => ({
  id: row.id,
  kind: row.kind,
  name: row.name,
  prefix: row.prefix,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
})

import type { Json, Transaction } from '@fairway/queue'
import { addressKey } from '../../platform/email-address.ts'
import { addressKeySql } from './address-sql.ts'

/** A person as mail sees them. */
export interface Recipient {
  id: number
  external_id: string | null
  email: string | null
  phone: string | null
  timezone: string | null
  language: string | null
  properties: Record<string, Json>
  tags: string[]
  topics: Record<string, boolean>
  subscribed: boolean
  /** Never to be sent to, whatever the class of the message. */
  suppressed: boolean
  created_at: Date
}

/** How a caller names a person: by the product's id, by address, or by our own id. */
export interface PersonReference {
  id?: string
  email?: string
  internalId?: number
}

/**
 * The people that these references lead to, ids of merged people included; null where there is none. (Without `offset 0`,
 * PostgreSQL would go through everybody by time until the address comes.)
 */
export async function findPersonIds(
  client: Transaction,
  projectId: number,
  references: PersonReference[],
): Promise<(number | null)[]> {
  const { rows } = await client.query(
    `select coalesce(
       (select id from people where project_id = $1 and external_id = r.external_id),
       (select person_id from person_aliases where project_id = $1 and kind = 'external' and alias = r.external_id),
       (select id from people where project_id = $1 and id = r.internal_id),
       (select id from (
          select id, updated_at from people where project_id = $1 and ${addressKeySql('people')} = r.email offset 0) as p
        order by updated_at desc limit 1)
     ) as id
     from unnest($2::text[], $3::bigint[], $4::text[]) with ordinality as r (external_id, internal_id, email, position)
     order by position`,
    [
      projectId,
      references.map((reference) => reference.id ?? null),
      references.map((reference) => reference.internalId ?? null),
      references.map(({ email }) => email && addressKey(email)),
    ],
  )
  return (rows as { id: number | null }[]).map((row) => row.id)
}

/** Through the pool, or through a transaction's client to see what it wrote. */
export async function loadPeople(
  client: Transaction,
  projectId: number,
  ids: number[],
): Promise<Map<number, Recipient>> {
  if (ids.length === 0) return new Map()
  const { rows } = await client.query(
    `select id, external_id, email, phone, timezone, language, properties, tags, topics, subscribed, suppressed,
            created_at
     from people where project_id = $1 and id = any($2::bigint[])`,
    [projectId, ids],
  )
  return new Map((rows as Recipient[]).map((row) => [row.id, row]))
}

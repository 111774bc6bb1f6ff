import type { PoolClient } from 'pg'
import { textArray } from '../../platform/db/array.ts'
import { addressKey } from '../../platform/email-address.ts'
import type { PersonRef } from '../items/item.ts'
import type { Person } from './person.ts'

/** The ids that a reference stands for; at least one is present. */
export interface Identity {
  external?: string
  /** The external id is an address that serves as one. */
  provisional?: boolean
  anonymous?: string
}

/**
 * People are matched by their id. Without one, the email address serves as the id (its key, so that its spelling doesn't make
 * two people); but a visitor known by an anonymous id stays that visitor, whatever address they leave.
 */
export function identityOf(ref: PersonRef): Identity {
  const address = addressOf(ref)
  const identity: Identity = {
    external: (ref.id ?? address) || undefined,
    anonymous: ref.anonymousId || undefined,
  }
  if (address !== undefined) identity.provisional = true
  return identity
}

/** The address that serves as the id, and is the address, too, until somebody says otherwise. Lower case. */
export function addressOf({ id, email, anonymousId, provisional }: PersonRef): string | undefined {
  if (provisional) return id
  return id === undefined && anonymousId === undefined && email ? addressKey(email) || undefined : undefined
}

type Named = Pick<Person, 'external_id' | 'anonymous_id' | 'provisional'>

/** How an item names a stored person. A visitor without any id left can't be named. */
export function refOf(person: Named): PersonRef {
  const { external_id, anonymous_id, provisional } = person
  if (external_id === null) return { anonymousId: anonymous_id ?? undefined }
  return provisional ? { id: external_id, provisional } : { id: external_id }
}

export interface Match {
  personId: number
  /** The person's main id; null for somebody known only by anonymous ids. */
  externalId: string | null
  provisional: boolean
}

export interface Matches {
  external: Map<string, Match>
  anonymous: Map<string, Match>
}

/** Looks ids up among people and aliases, all in one statement. */
export async function resolve(
  client: PoolClient,
  projectId: number,
  identities: Identity[],
): Promise<Matches> {
  const external = distinct(identities.map((identity) => identity.external))
  const anonymous = distinct(identities.map((identity) => identity.anonymous))
  const matches: Matches = { external: new Map(), anonymous: new Map() }
  if (external.length + anonymous.length === 0) return matches
  const { rows } = await client.query<{
    kind: keyof Matches
    id: string
    person: number
    main: string | null
    provisional: boolean
  }>({
    name: 'people_resolve',
    text: `select 'external' as kind, r.id, p.id as person, p.external_id as main, p.provisional
           from unnest($2::text[]) as r (id) cross join lateral (
             select id, external_id, provisional from people where project_id = $1 and external_id = r.id limit 1) as p
           union all
           select r.kind, r.id, p.id, p.external_id, p.provisional
           from (select 'external' as kind, unnest($2::text[]) as id
                 union all select 'anonymous', unnest($3::text[])) as r
           cross join lateral (
             select person_id from person_aliases
             where project_id = $1 and kind = r.kind and alias = r.id limit 1) as a
           cross join lateral (
             select id, external_id, provisional from people where project_id = $1 and id = a.person_id limit 1) as p`,
    values: [projectId, textArray(external), textArray(anonymous)],
  })
  for (const { kind, id, person, main, provisional } of rows) {
    if (!matches[kind].has(id)) matches[kind].set(id, { personId: person, externalId: main, provisional })
  }
  return matches
}

export const distinct = <T>(values: (T | undefined)[]): T[] => [
  ...new Set(values.filter((value) => value !== undefined)),
]

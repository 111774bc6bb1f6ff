import { addressKey } from '../../platform/email-address.ts'
import type { MergeItem } from '../items/item.ts'
import { type Change, changesBetween, recordChanges } from './changes.ts'
import { type AddressConsents, loadAddressFacts, takeOptOuts } from './consents.ts'
import { addressOf, type Identity, identityOf, type Matches, resolve } from './identity.ts'
import { moveMemberships } from './memberships.ts'
import { type PersonRow, type PersonState, readRegisters, writeState } from './person.ts'
import { join, type Registers, secondaryRegister, write, yieldingTime } from './registers.ts'
import type { PeopleSession } from './session.ts'
import { type ChangedPerson, insertPeople, lockPeople, syncSuppressions, updatePeople } from './store.ts'

/** Ids and stored people that are one person. */
interface Group {
  personIds: Set<number>
  external: Set<string>
  anonymous: Set<string>
  /** Main ids that merges gave, with their times. */
  named: { id: string; at: number }[]
  /** External ids that are addresses, which serve as ids only where there is no other. */
  provisional: Set<string>
  /** Addresses that serve as ids, and of which time they are. */
  addresses: Map<string, number>
  /** Stored people whose values yield to those of the others, each since when; and the ids that they were merged by. */
  secondaries: { personId: number | undefined; id: string | undefined; at: number }[]
  at: number
  acceptedAt: number
  /** Provisional people turn out to be somebody who holds their address, which leads there without an alias. */
  byAddress: boolean
}

/** Everything that changes for one group. */
interface Merged {
  group: Group
  /** Undefined when nobody of the group is stored. */
  survivor: PersonRow | undefined
  losers: PersonRow[]
  after: PersonState
  changes: Change[]
}

/**
 * Merges people as the items say, all in a handful of statements. Every fact keeps its latest write; events, messages,
 * history and aliases move to the survivor; every id leads there from now on. The main id is the one that the latest
 * merge named, whatever the order of arrival; one that keeps the primary's values takes of the other only what the primary has
 * not (see {@link yieldingTime}). Doing it again changes nothing. Needs an exclusive session.
 */
export async function mergeItems(session: PeopleSession, items: MergeItem[]): Promise<void> {
  const pairs = items.map((item) => ({ item, to: identityOf(item.person), from: identityOf(item.from) }))
  const matches = await resolve(
    session.client,
    session.projectId,
    pairs.flatMap(({ to, from }) => [to, from]),
  )
  const sets = disjointSets()
  for (const { to, from } of pairs) {
    const nodes: string[] = []
    for (const { external, anonymous } of [to, from]) {
      if (external !== undefined) nodes.push(`e${external}`)
      if (anonymous !== undefined) nodes.push(`a${anonymous}`)
    }
    for (const node of nodes) {
      sets.unite(nodes[0]!, node)
      const match = (node.startsWith('e') ? matches.external : matches.anonymous).get(node.slice(1))
      if (match) sets.unite(node, `p${match.personId}`)
    }
  }
  const groups = sets.groups().map(toGroup)
  const byId = new Set(
    pairs
      .flatMap(({ to, from }) => [to, from])
      .flatMap(({ external, provisional }) => (external === undefined || provisional ? [] : [external])),
  )
  for (const { group } of groups)
    for (const id of group.external) if (!byId.has(id)) group.provisional.add(id)
  const groupOf = new Map(groups.flatMap(({ nodes, group }) => nodes.map((node) => [node, group])))
  for (const { item, to, from } of pairs) {
    const group = groupOf.get(nodeOf(to) ?? nodeOf(from)!)!
    group.at = Math.max(group.at, item.at)
    group.acceptedAt = Math.min(group.acceptedAt, item.acceptedAt)
    // An address names a person, but no id of theirs; without an id, the address that was named is the one that serves.
    const named = to.provisional && item.person.byAddress ? addressKey(item.person.email!) : to.external
    if (named !== undefined && (to.provisional || !item.person.byAddress)) {
      group.named.push({ id: named, at: item.at })
      if (!group.external.has(named)) group.provisional.add(named)
      group.external.add(named)
    }
    for (const ref of [item.person, item.from]) {
      const address = addressOf(ref)
      if (address === undefined) continue
      const at = item.keepsPrimary && ref === item.from ? yieldingTime('$email', 1) : 1
      group.addresses.set(address, Math.max(at, group.addresses.get(address) ?? 0))
    }
    if (item.keepsPrimary) {
      const [primary, secondary] = [personOf(matches, to), personOf(matches, from)]
      // One person already: all that yields did when they became one.
      const personId = primary === secondary ? undefined : secondary
      group.secondaries.push({ personId, id: from.external, at: item.at })
    }
  }
  await mergeGroups(
    session,
    groups.map(({ group }) => group),
  )
}

/** Merges stored people: [from, into] each. Needs an exclusive session. */
export async function mergeStored(session: PeopleSession, pairs: [number, number][]): Promise<void> {
  const sets = disjointSets()
  for (const [from, into] of pairs) sets.unite(`p${into}`, `p${from}`)
  const at = session.now.getTime()
  await mergeGroups(
    session,
    sets.groups().map((nodes) => ({ ...toGroup(nodes).group, at, byAddress: true })),
  )
}

const personOf = ({ external, anonymous }: Matches, identity: Identity): number | undefined =>
  (identity.external !== undefined
    ? external.get(identity.external)
    : anonymous.get(identity.anonymous ?? '')
  )?.personId

const nodeOf = ({ external, anonymous }: ReturnType<typeof identityOf>) =>
  external !== undefined ? `e${external}` : anonymous !== undefined ? `a${anonymous}` : undefined

function toGroup(nodes: string[]): { nodes: string[]; group: Group } {
  const group: Group = {
    personIds: new Set(),
    external: new Set(),
    anonymous: new Set(),
    named: [],
    provisional: new Set(),
    addresses: new Map(),
    secondaries: [],
    at: 0,
    acceptedAt: Number.POSITIVE_INFINITY,
    byAddress: false,
  }
  for (const node of nodes) {
    const id = node.slice(1)
    if (node.startsWith('p')) group.personIds.add(Number(id))
    else if (node.startsWith('e')) group.external.add(id)
    else group.anonymous.add(id)
  }
  return { nodes, group }
}

async function mergeGroups(session: PeopleSession, groups: Group[]): Promise<void> {
  const rows = await lockPeople(
    session,
    groups.flatMap(({ personIds }) => [...personIds]),
  )
  const { consents } = await loadAddressFacts(
    session,
    groups.flatMap(({ addresses }) => [...addresses.keys()]),
  )
  const merges = groups.map((group) => mergeGroup(group, rows, consents))
  await removeLosers(session, merges)
  const stored = merges.filter((merged) => merged.survivor !== undefined)
  await updatePeople(
    session,
    stored.map(({ survivor, after, changes }) => ({ id: survivor!.id, after, changes })),
  )
  const created = merges.filter(({ survivor }) => survivor === undefined).map(toCreate)
  const newcomers = new Map(created.map(({ person }) => [person.draft, person]))
  await insertPeople(session, [...newcomers.keys()], (draft) => newcomers.get(draft)!)
  const idOf = new Map<Merged, number>([
    ...stored.map((merged) => [merged, merged.survivor!.id] as const),
    ...created.map(({ merged, person }) => [merged, person.draft.id!] as const),
  ])
  await pointAliases(session, merges, idOf)
  await pointHistory(session, stored)
  await moveMemberships(session, ...columnsOf(pairsOf(stored)))
  for (const { survivor, losers } of stored) if (losers.length > 0) session.changed.add(survivor!.id)
  await recordChanges(
    session,
    merges.map((merged) => ({ id: idOf.get(merged)!, at: merged.group.at, changes: merged.changes })),
  )
  await syncSuppressions(
    session,
    merges.map(({ survivor, after, changes }) => ({ before: survivor, after, changes })),
  )
}

function mergeGroup(group: Group, rows: Map<number, PersonRow>, consents: AddressConsents): Merged {
  const people = [...group.personIds].map((id) => rows.get(id)).filter((row) => row !== undefined)
  const registers: Registers = new Map([
    ['$subscribed', { at: 0, value: true }],
    ['$suppressed', { at: 0, value: false }],
  ])
  const ids = [...group.external].filter((id) => !group.provisional.has(id))
  const isKnown =
    ids.length > 0 ||
    people.some(({ external_id, provisional }) => !provisional && (external_id !== null || group.byAddress))
  for (const person of people) {
    const known = registersIn(group, person)
    if (isKnown && person.provisional) known.delete('$id')
    known.delete('$provisional')
    join(registers, known)
  }
  for (const { id, at } of group.secondaries)
    if (id !== undefined) write(registers, secondaryRegister(id), at, null)
  for (const id of isKnown ? ids : group.external) write(registers, '$id', 0, id)
  for (const { id, at } of group.named)
    if (!isKnown || !group.provisional.has(id)) write(registers, '$id', at, id)
  for (const [address, at] of group.addresses) write(registers, '$email', at, address)
  takeOptOuts(registers, consents)
  if (!isKnown && registers.has('$id')) write(registers, '$provisional', 0, true)
  const after = writeState(registers)

  // The row that already carries the main id stays; among visitors the oldest one.
  const survivor = people.find((person) => person.external_id === after.external_id) ?? people[0]
  const losers = people.filter((person) => person !== survivor)
  const changes = survivor ? changesBetween(survivor, after) : []
  const renamed = survivor !== undefined && survivor.external_id !== after.external_id
  if (losers.length > 0 || renamed || survivor === undefined) {
    const from = people.map(({ external_id, anonymous_id }) => external_id ?? anonymous_id)
    const ids = new Set([...group.external, ...group.anonymous, ...from])
    ids.delete(after.external_id)
    changes.push({ kind: 'merged', detail: { from: [...ids].sort(), into: after.external_id } })
  }
  return { group, survivor, losers, after, changes }
}

/** What is known of a person, as it counts in the merge. */
function registersIn({ secondaries }: Group, person: PersonRow): Registers {
  const registers = readRegisters(person)
  const since = secondaries.find(({ personId }) => personId === person.id)?.at
  if (since === undefined) return registers
  for (const [name, { at, value }] of registers)
    if (at <= since) registers.set(name, { at: yieldingTime(name, at), value })
  return registers
}

function toCreate(merged: Merged): { merged: Merged; person: ChangedPerson } {
  const { group, after, changes } = merged
  const draft = {
    id: undefined,
    externalId: after.external_id,
    provisional: after.provisional,
    becameKnown: false,
    newAnonymous: group.anonymous,
    items: [],
  }
  return {
    merged,
    person: {
      draft,
      before: undefined,
      after,
      changes,
      written: true,
      at: group.at,
      createdAt: group.acceptedAt,
    },
  }
}

/** Before the survivors change, because ids are unique. */
async function removeLosers({ client, projectId }: PeopleSession, merges: Merged[]): Promise<void> {
  const pairs = pairsOf(merges)
  if (pairs.length === 0) return
  await client.query({
    text: `with gone as (
             delete from people p using unnest($2::bigint[], $3::bigint[]) as m (loser, survivor)
             where p.project_id = $1 and p.id = m.loser
             returning m.survivor, p.created_at, p.anonymous_id)
           update people p set created_at = least(p.created_at, g.created_at),
             anonymous_id = coalesce(p.anonymous_id, g.anonymous_id)
           from (select survivor, min(created_at) as created_at, min(anonymous_id) as anonymous_id
                 from gone group by survivor) as g
           where p.project_id = $1 and p.id = g.survivor`,
    values: [projectId, ...columnsOf(pairs)],
  })
}

const isItsAddress = ({ provisional, external_id, email }: PersonRow): boolean =>
  provisional && email !== null && external_id === addressKey(email)

/** Every id of a group but the main one becomes an alias of the survivor. */
async function pointAliases(
  { client, projectId, now }: PeopleSession,
  merges: Merged[],
  idOf: Map<Merged, number>,
): Promise<void> {
  const pairs = pairsOf(merges)
  if (pairs.length > 0)
    await client.query({
      text: `update person_aliases a set person_id = m.survivor
             from unnest($2::bigint[], $3::bigint[]) as m (loser, survivor)
             where a.project_id = $1 and a.person_id = m.loser`,
      values: [projectId, ...columnsOf(pairs)],
    })
  const aliases: { kind: string; alias: string; person: number }[] = []
  const mains: string[] = []
  for (const merged of merges) {
    const { group, survivor, losers, after } = merged
    const person = idOf.get(merged)!
    const stored = [survivor, ...losers].filter((row) => row && !(group.byAddress && isItsAddress(row)))
    const external = new Set([...group.external, ...stored.map((row) => row!.external_id)])
    external.delete(after.external_id)
    for (const alias of external) if (alias != null) aliases.push({ kind: 'external', alias, person })
    for (const alias of group.anonymous) aliases.push({ kind: 'anonymous', alias, person })
    if (after.external_id !== null) mains.push(after.external_id)
  }
  await client.query({
    text: `delete from person_aliases where project_id = $1 and kind = 'external' and alias = any($2::text[])`,
    values: [projectId, mains],
  })
  await client.query({
    text: `insert into person_aliases (project_id, kind, alias, person_id, created_at)
           select $1, kind, alias, person, $3
           from json_to_recordset($2) as r (kind text, alias text, person bigint)
           on conflict (project_id, kind, alias) do update set person_id = excluded.person_id
           where person_aliases.person_id <> excluded.person_id`,
    values: [projectId, JSON.stringify(aliases), now],
  })
}

async function pointHistory({ client, projectId }: PeopleSession, merges: Merged[]): Promise<void> {
  const pairs = pairsOf(merges)
  if (pairs.length === 0) return
  for (const table of ['events', 'messages', 'person_changes'])
    await client.query({
      text: `update ${table} t set person_id = m.survivor
             from unnest($2::bigint[], $3::bigint[]) as m (loser, survivor)
             where t.project_id = $1 and t.person_id = m.loser`,
      values: [projectId, ...columnsOf(pairs)],
    })
  await client.query({
    text: `with held as (
             delete from frequency_holds h using unnest($2::bigint[], $3::bigint[]) as m (loser, survivor)
             where h.project_id = $1 and h.person_id = m.loser
             returning h.campaign_id, m.survivor, h.test, h.message_id, h.held_at)
           insert into frequency_holds as h (project_id, campaign_id, person_id, test, message_id, held_at)
           select distinct on (campaign_id, survivor, test) $1, campaign_id, survivor, test, message_id, held_at
           from held order by campaign_id, survivor, test, held_at desc
           on conflict (project_id, campaign_id, person_id, test) do update
             set message_id = excluded.message_id, held_at = excluded.held_at where h.held_at < excluded.held_at`,
    values: [projectId, ...columnsOf(pairs)],
  })
}

const pairsOf = (merges: Merged[]): [number, number][] =>
  merges.flatMap(({ survivor, losers }) => losers.map((loser): [number, number] => [loser.id, survivor!.id]))

const columnsOf = (pairs: [number, number][]): [losers: number[], survivors: number[]] => [
  pairs.map(([loser]) => loser),
  pairs.map(([, survivor]) => survivor),
]

/** Union-find with path halving. */
function disjointSets() {
  const parent = new Map<string, string>()
  const find = (node: string): string => {
    let root = node
    if (!parent.has(root)) parent.set(root, root)
    for (let up = parent.get(root)!; up !== root; up = parent.get(root)!) {
      parent.set(root, parent.get(up)!)
      root = up
    }
    return root
  }
  return {
    unite: (a: string, b: string) => void parent.set(find(a), find(b)),
    groups(): string[][] {
      const groups = new Map<string, string[]>()
      for (const node of parent.keys()) {
        const root = find(node)
        groups.set(root, [...(groups.get(root) ?? []), node])
      }
      return [...groups.values()]
    },
  }
}

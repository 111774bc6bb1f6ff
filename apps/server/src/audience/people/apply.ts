import { addressKey } from '../../platform/email-address.ts'
import { absorbProvisional } from './addressed.ts'
import { changesBetween, firstChanges, recordChanges } from './changes.ts'
import { type AddressConsents, type AddressFacts, loadAddressFacts, takeOptOuts } from './consents.ts'
import { type Draft, type Drafts, draftPeople } from './drafts.ts'
import { FirstStates } from './first-state.ts'
import { addressOf, identityOf, type Matches, resolve } from './identity.ts'
import { mergeStored } from './merge.ts'
import { type PersonState, readRegisters, writeState } from './person.ts'
import { withNormalPhones } from './phone.ts'
import { type Registers, write } from './registers.ts'
import { NeedsExclusive, type PeopleSession } from './session.ts'
import {
  addAliases,
  type ChangedPerson,
  insertPeople,
  lockPeople,
  syncSuppressions,
  updatePeople,
} from './store.ts'
import { applyItem, boundRemovals, hasWrites, meetsOptOut, personLimits, type WritingItem } from './writes.ts'

export interface Applied {
  /** The person of each item; undefined where `updateOnly` found nobody. */
  personIds: (number | undefined)[]
  /** Items that would grow their person beyond its limits, by position. Nothing of them was kept. */
  refusals: Map<number, string>
  /** Everybody who is new or was written to, those whom it left as they were included. */
  people: ChangedPerson[]
}

/**
 * Applies a batch of items to their people, in a handful of statements however many there are. The order of the items
 * makes no difference.
 *
 * @param matches of these people or more, as they still are; looked up when absent
 */
export async function applyToPeople(
  session: PeopleSession,
  sent: WritingItem[],
  matches?: Matches,
): Promise<Applied> {
  const items = await withNormalPhones(session, sent)
  const addresses = items.map(addressesIn)
  const loading = loadAddressFacts(session, [...new Set(addresses.flat())])
  loading.catch(() => {})
  const { drafts, of } = await findPeople(session, items, matches)
  const facts = await loading
  const contested = findContested(of, addresses, facts)
  const lifting = items.some(lifts)
  // Nobody may get the address meanwhile, or be suppressed who holds it.
  if (!session.exclusive && (contested.length > 0 || drafts.some(isNewProvisional) || lifting))
    throw new NeedsExclusive()
  const refusals = new Map<number, string>()
  const fresh = drafts.filter(({ id }) => id === undefined)
  const known = await changeKnown(
    session,
    items,
    drafts.filter(({ id }) => id !== undefined),
    refusals,
    facts.consents,
  )
  const firstStates = new FirstStates()
  const created = await insertPeople(
    session,
    fresh,
    (draft) =>
      tellPerson(draft, items, firstStates, facts.consents) ??
      changePerson(draft, items, undefined, refusals, facts.consents),
  )
  const updated = withIds(known.filter(({ written }) => written))
  await updatePeople(session, updated)
  await addAliases(
    session,
    drafts.flatMap(({ id, newAnonymous }) =>
      [...(newAnonymous ?? [])].map((alias) => ({ alias, personId: id! })),
    ),
  )
  const noted = [...withIds(created.filter(({ changes }) => changes.length > 0)), ...updated]
  await recordChanges(session, noted)
  await syncSuppressions(session, noted, lifting ? addressesToLift(items, [...created, ...known]) : [])
  const became = await absorbProvisional(session, contested)
  for (const draft of drafts) draft.id = became.get(draft.id!) ?? draft.id
  return { personIds: of.map((draft) => draft?.id), refusals, people: [...created, ...known] }
}

const withIds = (people: ChangedPerson[]) => people.map((person) => ({ ...person, id: person.draft.id! }))

/** Addresses that an item gives its person. */
function addressesIn(item: WritingItem): string[] {
  const email = item.kind === 'identify' ? item.email : item.kind === 'event' ? item.traits?.email : undefined
  const address = addressOf(item.person)
  if (!email) return address === undefined ? none : [address]
  const key = addressKey(email)
  return address === undefined || address === key ? [key] : [key, address]
}

const none: string[] = []

const lifts = (item: WritingItem): boolean =>
  item.kind === 'suppression' && !item.suppressed && !item.keepsOptOuts

/**
 * The address of who is no longer suppressed, and the one they were called by. It may be suppressed though they never were:
 * by somebody who had it before.
 */
function addressesToLift(items: WritingItem[], people: ChangedPerson[]): Set<string> {
  const addresses = new Set<string>()
  for (const { draft, after } of people) {
    if (after.suppressed) continue
    for (const item of draft.items.map((index) => items[index]!).filter(lifts)) {
      if (after.email) addresses.add(addressKey(after.email))
      if (item.person.byAddress) addresses.add(addressKey(item.person.email!))
    }
  }
  return addresses
}

const isNewProvisional = ({ id, provisional }: Draft): boolean => id === undefined && provisional

/** Addresses that somebody gets whom a provisional person may turn out to be, or who is provisional themselves. */
function findContested(
  of: (Draft | undefined)[],
  addresses: string[][],
  { provisional }: AddressFacts,
): string[] {
  const contested = new Set<string>()
  for (const [index, draft] of of.entries())
    for (const address of draft ? addresses[index]! : none) {
      const others = provisional.get(address)?.some((id) => id !== draft!.id)
      if (others || (draft!.provisional && address !== draft!.externalId)) contested.add(address)
    }
  return [...contested]
}

/** Merges visitors into the people they turn out to be, and gives the drafts of the rest. */
async function findPeople(
  session: PeopleSession,
  items: WritingItem[],
  matches: Matches | undefined,
): Promise<Drafts> {
  const lookUp = () =>
    resolve(
      session.client,
      session.projectId,
      items.map((item) => identityOf(item.person)),
    )
  const found = draftPeople(items, matches ?? (await lookUp()))
  if (found.toMerge.length === 0) return found
  if (!session.exclusive) throw new NeedsExclusive()
  await mergeStored(session, found.toMerge)
  return draftPeople(items, await lookUp())
}

/** Computes the new state of those who are stored and written to, and locks them. */
async function changeKnown(
  session: PeopleSession,
  items: WritingItem[],
  drafts: Draft[],
  refusals: Map<number, string>,
  consents: AddressConsents,
): Promise<ChangedPerson[]> {
  const writes = (draft: Draft) => draft.becameKnown || draft.items.some((index) => hasWrites(items[index]!))
  const written = drafts.filter(writes)
  const rows = await lockPeople(
    session,
    written.map((draft) => draft.id!),
  )
  return written.map((draft) => {
    const row = rows.get(draft.id!)
    if (row === undefined) throw new NeedsExclusive()
    return changePerson(draft, items, row, refusals, consents)
  })
}

/** A new person of whom one item tells all; undefined where items have to be applied. */
function tellPerson(
  draft: Draft,
  items: WritingItem[],
  states: FirstStates,
  consents: AddressConsents,
): ChangedPerson | undefined {
  if (draft.items.length !== 1) return undefined
  const item = items[draft.items[0]!]!
  const address = addressOf(item.person)
  const after = states.of(draft.externalId, address === draft.externalId ? address : undefined, item)
  if (after?.email && consents.size > 0 && consents.has(addressKey(after.email))) return undefined
  if (after === undefined || propertyBytes(after) > personLimits.propertyBytes) return undefined
  return {
    draft,
    before: undefined,
    after,
    changes: [],
    written: true,
    at: item.at,
    createdAt: createdAtOf(item),
  }
}

const createdAtOf = (item: WritingItem): number =>
  (item.kind === 'identify' && item.createdAt) || item.acceptedAt

export function changePerson(
  draft: Draft,
  items: WritingItem[],
  before: PersonState | undefined,
  refusals: Map<number, string>,
  consents: AddressConsents = new Map(),
): ChangedPerson {
  const own = draft.items.map((index) => items[index]!)
  let registers = startOf(draft, own, before)
  let metOptOut = meetsOptOuts(registers, own, consents)
  const apply = (check: boolean) => {
    for (const index of draft.items) {
      const kept = check ? new Map(registers) : registers
      let refusal = applyItem(registers, items[index]!)
      if (check && propertyBytes(writeState(registers)) > personLimits.propertyBytes) {
        registers = kept
        refusal = `the person's properties would exceed ${personLimits.propertyBytes} bytes`
      }
      if (refusal !== undefined) refusals.set(index, refusal)
    }
    takeOptOuts(registers, consents)
    boundRemovals(registers)
  }
  apply(false)
  let after = writeState(registers)
  if (propertyBytes(after) > personLimits.propertyBytes) {
    registers = startOf(draft, own, before)
    metOptOut = meetsOptOuts(registers, own, consents)
    apply(true)
    after = writeState(registers)
  }
  const changes = before === undefined ? firstChanges(after) : changesBetween(before, after)
  return {
    draft,
    before,
    after,
    changes,
    metOptOut,
    written: draft.becameKnown || changes.length > 0 || !sameTimes(before?.written ?? {}, after.written),
    at: Math.max(...own.map((item) => item.at)),
    createdAt: Math.min(...own.map(createdAtOf)),
  }
}

/**
 * Whether items of an import say yes where their person, or somebody by the address that they come to, said no. Items that keep
 * opt-outs find those of the address among the registers from then on.
 */
function meetsOptOuts(registers: Registers, items: WritingItem[], consents: AddressConsents): boolean {
  const asking = items.filter(({ keepsOptOuts }) => keepsOptOuts !== undefined)
  if (asking.length === 0) return false
  const before = asking.some(({ keepsOptOuts }) => keepsOptOuts) ? registers : new Map(registers)
  if (consents.size > 0) {
    const after = new Map(registers)
    for (const item of items) applyItem(after, item)
    takeOptOuts(before, consents, after.get('$email')?.value)
  }
  return asking.some((item) => meetsOptOut(before, item))
}

function startOf(draft: Draft, items: WritingItem[], before: PersonState | undefined): Registers {
  const registers: Registers = before === undefined ? new Map() : readRegisters(before)
  if (draft.externalId !== null) write(registers, '$id', 0, draft.externalId)
  if (!draft.provisional) registers.delete('$provisional')
  if (before !== undefined) return registers
  if (draft.provisional) write(registers, '$provisional', 0, true)
  write(registers, '$subscribed', 0, true)
  write(registers, '$suppressed', 0, false)
  for (const { person } of items) {
    const address = addressOf(person)
    if (address !== undefined && address === draft.externalId) write(registers, '$email', 1, address)
  }
  return registers
}

function propertyBytes({ properties }: PersonState): number {
  const most = maxBytes(properties)
  if (most <= personLimits.propertyBytes) return most
  return Buffer.byteLength(JSON.stringify(properties))
}

/** Far from the limit, which is nearly always, no text has to be made: a character takes at most six bytes of JSON. */
function maxBytes(properties: PersonState['properties']): number {
  let bytes = 2
  for (const name in properties) {
    const value = properties[name]!
    if (typeof value === 'object' && value !== null) return Number.POSITIVE_INFINITY
    bytes += name.length * 6 + (typeof value === 'string' ? value.length * 6 : 25) + 6
  }
  return bytes
}

function sameTimes(a: Record<string, number>, b: Record<string, number>): boolean {
  let names = 0
  for (const name in b) {
    if (a[name] !== b[name]) return false
    names++
  }
  return names === Object.keys(a).length
}

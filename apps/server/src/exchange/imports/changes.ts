import type { Json } from '@fairway/queue'
import type { StoredEvent } from '../../audience/items/item.ts'
import { readRegisters } from '../../audience/people/person.ts'
import type { PeopleSession } from '../../audience/people/session.ts'
import type { ChangedPerson } from '../../audience/people/store.ts'
import { numberArray } from '../../platform/db/array.ts'

/** Of a register: the time of the import's write, and what was there before, if anything. */
export type Former = [wroteAt: number, formerAt: number | null, formerValue: Json]

/** What a step changes, for its undoing. */
export interface Changes {
  created: number[]
  changed: Record<string, Record<string, Former>>
  events: StoredEvent[]
  /** Suppressed. */
  addresses: string[]
  /** Addresses that were opted out, whoever holds them. */
  optedOut: string[]
  segment: number | null
  members: number[]
  addPeople(people: ChangedPerson[]): void
  addEvents(events: StoredEvent[]): void
  addAddresses(addresses: string[]): void
  addMembers(segment: number, people: number[]): void
}

export function noteChanges(): Changes {
  return {
    created: [],
    changed: {},
    events: [],
    addresses: [],
    optedOut: [],
    segment: null,
    members: [],
    addPeople(people) {
      for (const { draft, before, after, written } of people) {
        if (before === undefined) this.created.push(draft.id!)
        else if (written)
          this.changed[draft.id!] = earlier(this.changed[draft.id!], formerRegisters(before, after.written))
      }
    },
    addEvents(events) {
      this.events = events
    },
    addAddresses(addresses) {
      this.addresses = addresses
    },
    addMembers(segment, people) {
      this.segment = segment
      this.members = people
    },
  }
}

/** Of one who was written to twice: what was there before the first time, and the time of the last. */
function earlier(
  first: Record<string, Former> | undefined,
  then: Record<string, Former>,
): Record<string, Former> {
  if (first === undefined) return then
  const both = new Map(Object.entries(first))
  for (const [name, former] of Object.entries(then)) {
    const known = both.get(name)
    both.set(name, known ? [former[0], known[1], known[2]] : former)
  }
  return Object.fromEntries(both)
}

function formerRegisters(
  before: NonNullable<ChangedPerson['before']>,
  written: Record<string, number>,
): Record<string, Former> {
  const registers = readRegisters(before)
  const former: [string, Former][] = []
  for (const name in written) {
    if (written[name] === before.written[name]) continue
    const register = registers.get(name)
    former.push([name, [written[name]!, register?.at ?? null, register?.value ?? null]])
  }
  return Object.fromEntries(former)
}

export async function saveChanges(
  { client, projectId }: Pick<PeopleSession, 'client' | 'projectId'>,
  importId: number,
  { created, changed, events, addresses, optedOut, segment, members }: Changes,
): Promise<void> {
  const people = Object.keys(changed).length
  const touched =
    created.length + people + events.length + addresses.length + optedOut.length + members.length
  if (touched === 0) return
  await client.query({
    name: 'import_changes_insert',
    text: `insert into import_changes (project_id, import_id, created, changed, event_ids, event_times, addresses,
             opted_out, segment_id, members, touched)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      projectId,
      importId,
      numberArray(created),
      JSON.stringify(changed),
      events.map(({ id }) => id),
      events.map(({ occurredAt }) => occurredAt),
      addresses,
      optedOut,
      segment,
      members,
      touched,
    ],
  })
}

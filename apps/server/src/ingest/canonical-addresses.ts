import type { IngestItem, PersonRef } from '../audience/items/item.ts'
import { canonicalAddress } from '../platform/email-address.ts'

/** Acceptance makes addresses canonical; this is for items that an older version accepted. What is none stays as it is. */
export function withCanonicalAddresses(item: IngestItem): IngestItem {
  const person = withCanonical(item.person)
  switch (item.kind) {
    case 'identify': {
      const same = person === item.person && isCanonical(item.email)
      return same ? item : { ...item, ...withCanonical(item), person }
    }
    case 'event': {
      const same = person === item.person && isCanonical(item.traits?.email)
      return same ? item : { ...item, person, traits: item.traits && withCanonical(item.traits) }
    }
    case 'merge':
      return { ...item, person, from: withCanonical(item.from) }
    default:
      return person === item.person ? item : ({ ...item, person } as IngestItem)
  }
}

const isCanonical = (email: unknown): boolean =>
  typeof email !== 'string' || (canonicalAddress(email) ?? email) === email

function withCanonical<T extends PersonRef | { email?: string | null }>(named: T): T {
  return isCanonical(named.email) ? named : { ...named, email: canonicalAddress(named.email!) }
}

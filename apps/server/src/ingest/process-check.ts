import type { IngestItem, PersonRef, RejectedItem } from '../audience/items/item.ts'
import { maxStoredIdLength } from '../audience/items/limits.ts'
import { isNoId, noIdReason } from '../audience/items/no-id.ts'
import { identityOf } from '../audience/people/identity.ts'

const kinds: Record<IngestItem['kind'], true> = {
  identify: true,
  event: true,
  tags: true,
  merge: true,
  subscription: true,
  suppression: true,
  delete: true,
}

/** Year 9999: what PostgreSQL, JavaScript and JSON all write alike. */
const latestTime = Date.UTC(9999, 11, 31)

/** What makes an item unusable, undefined when nothing does. Acceptance checks more; this is for what slips through. */
export function checkItem(item: IngestItem | RejectedItem): string | undefined {
  if (typeof item !== 'object' || item === null) return 'the item is not an object'
  if (item.kind === 'rejected') return item.reason
  if (!Object.hasOwn(kinds, item.kind)) return `the kind ${JSON.stringify(item.kind)} is unknown`
  if (!isTime(item.at)) return 'at is not a time'
  if (!isTime(item.acceptedAt)) return 'acceptedAt is not a time'
  const person = checkRef(item.person, 'person')
  if (person !== undefined) return person
  if (item.kind === 'merge') return checkRef(item.from, 'from')
  if (item.kind === 'event' && (typeof item.name !== 'string' || typeof item.properties !== 'object'))
    return 'the event has no name or no properties'
  return undefined
}

const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= latestTime

function checkRef(ref: PersonRef, field: string): string | undefined {
  if (typeof ref !== 'object' || ref === null) return `${field} is missing`
  for (const value of [ref.id, ref.email, ref.anonymousId]) {
    if (value === undefined || value === null) continue
    if (typeof value !== 'string') return `an id in ${field} is not a text`
    if (value.length > maxStoredIdLength)
      return `an id in ${field} is longer than ${maxStoredIdLength} characters`
  }
  for (const id of [ref.id, ref.anonymousId])
    if (id && isNoId(id)) return `an id in ${field} ${noIdReason(id)}`
  const { external, anonymous } = identityOf(ref)
  return external === undefined && anonymous === undefined ? `${field} has no id` : undefined
}

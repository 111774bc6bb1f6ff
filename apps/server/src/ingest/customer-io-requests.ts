import type { Json } from '@fairway/queue'
import type { Fields } from '../audience/items/fields.ts'
import {
  nobody,
  readEmail,
  readFlag,
  readName,
  readObject,
  readPersonId,
  readProperties,
  readText,
  readTime,
} from '../audience/items/fields.ts'
import type { EventItem, IdentifyItem, IngestItem, MergeItem, PersonRef } from '../audience/items/item.ts'
import { canonicalAddress } from '../platform/email-address.ts'
import { badRequest } from '../platform/errors.ts'
import { dedupeBy } from './dedupe.ts'
import { liftProfile } from './profile.ts'
import { readTopics } from './topics.ts'

/** The operations of Customer.io's Track API as items. `now` is epoch ms; `path` comes before field names in errors. */

const source = 'customer_io'
const duplicateWindowMs = 24 * 3_600_000

/** The person named in a path: by email when it looks like one, as Customer.io decides it. */
export function personInPath(value: string): PersonRef {
  const id = readPersonId(value, 'id')
  if (id === undefined) throw nobody('The person in the path is empty', 'id', value)
  if (id.startsWith('cio_')) throw badRequest(noCioIds, 'id')
  const email = canonicalAddress(id)
  return email === undefined ? { id } : { email }
}

const noCioIds = 'cio_id is an id inside Customer.io, unknown here; name the person by id or email'

/** `{id}` or `{email}`, as the v2 API and merges name people. */
export function personOf(value: unknown, field: string): PersonRef {
  const identifiers = readObject(value, field) ?? {}
  const id = readPersonId(identifiers.id, `${field}.id`)
  const email = readEmail(identifiers.email, `${field}.email`)
  const anonymousId = readPersonId(identifiers.anonymous_id, `${field}.anonymous_id`)
  if (id === undefined && email === undefined && anonymousId === undefined) {
    if (identifiers.cio_id !== undefined) throw badRequest(noCioIds, `${field}.cio_id`)
    throw nobody(
      `${field} must name the person by id or email`,
      field,
      identifiers.id,
      identifiers.email,
      identifiers.anonymous_id,
    )
  }
  return { id, email, anonymousId }
}

/** Attributes of a person; some are commands: `unsubscribed`, `_update`, `anonymous_id`, topic preferences. */
export function identify(person: PersonRef, attributes: Fields, now: number, path = ''): IdentifyItem {
  const {
    id,
    anonymous_id,
    unsubscribed,
    _update,
    _timestamp,
    cio_id: _cioId,
    cio_subscription_preferences: preferences,
    ...rest
  } = attributes as Record<string, Json>
  const optedOut = readFlag(unsubscribed, 'unsubscribed')
  const named = { ...person, id: person.id ?? readPersonId(id, 'id') }
  const anonymousId = person.anonymousId ?? readPersonId(anonymous_id, 'anonymous_id')
  const profile = liftProfile(rest, path)
  return {
    kind: 'identify',
    ...common(anonymousId === undefined ? named : { ...named, anonymousId }, _timestamp, now, '_timestamp'),
    ...profile,
    email: profile.email ?? person.email,
    subscribed: optedOut === undefined ? undefined : !optedOut,
    topics: readTopics(
      readObject(preferences, 'cio_subscription_preferences')?.topics,
      'cio_subscription_preferences.topics',
    ),
    updateOnly: readFlag(_update, '_update'),
  }
}

/** An event `{name, data, type?, timestamp?, id?}`; its `id` makes a retry harmless. Page views keep their URL. */
export function event(person: PersonRef, fields: Fields, now: number, type = fields.type): EventItem {
  const name = readName(fields.name, 'name')
  const data = readProperties(fields.data ?? fields.attributes, 'data') ?? {}
  const id = readText(fields.id, 'id')
  return {
    kind: 'event',
    ...common(person, fields.timestamp, now, 'timestamp'),
    ...namedByType(type, name, data),
    dedupe: id ? dedupeBy('cio', duplicateWindowMs, id) : undefined,
  }
}

function namedByType(type: unknown, name: string, data: Record<string, Json>) {
  if (type === 'page') return { name: 'Viewed page', properties: { url: name, ...data } }
  if (type === 'screen') return { name: 'Viewed screen', properties: { name, ...data } }
  return { name, properties: data }
}

/** Events of somebody who is not known yet: by anonymous id, or an invitation to the address in `data.recipient`. */
export function anonymousEvent(fields: Fields, now: number): EventItem {
  const anonymousId = readPersonId(fields.anonymous_id, 'anonymous_id')
  if (anonymousId !== undefined) return event({ anonymousId }, fields, now)
  const email = readEmail(fields.recipient ?? readObject(fields.data, 'data')?.recipient, 'data.recipient')
  if (email === undefined)
    throw nobody('anonymous_id is missing; name the person', 'anonymous_id', fields.anonymous_id)
  return event({ email }, fields, now)
}

export function addDevice(person: PersonRef, fields: Fields, now: number): IdentifyItem {
  const device = readObject(fields.device, 'device') ?? {}
  const address = readText(device.id ?? device.token, 'device.id')
  if (!address) throw badRequest('device.id is missing; it is the push token', 'device.id')
  const platform = readText(device.platform, 'device.platform')
  return {
    kind: 'identify',
    ...common(person, undefined, now),
    devices: [{ type: 'push', address, platform }],
  }
}

export const removeDevice = (person: PersonRef, address: string, now: number): IdentifyItem => ({
  kind: 'identify',
  ...common(person, undefined, now),
  removeDevices: [address],
  updateOnly: true,
})

export const suppress = (person: PersonRef, suppressed: boolean, now: number): IngestItem => ({
  kind: 'suppression',
  ...common(person, undefined, now),
  suppressed,
})

export const erase = (person: PersonRef, now: number): IngestItem => ({
  kind: 'delete',
  ...common(person, undefined, now),
})

export const merge = (fields: Fields, now: number): MergeItem => ({
  kind: 'merge',
  ...common(personOf(fields.primary, 'primary'), undefined, now),
  from: personOf(fields.secondary, 'secondary'),
  keepsPrimary: true,
})

/** One operation of the v2 API: `{type: 'person', action, identifiers, …}`. */
export function operation(fields: Fields, now: number): IngestItem {
  if (fields.type !== undefined && fields.type !== 'person')
    throw badRequest('type must be person; objects and deliveries are not kept here', 'type')
  if (fields.action === 'merge') return merge(fields, now)
  const person = personOf(fields.identifiers, 'identifiers')
  switch (fields.action) {
    case 'identify':
      return identify(person, timedAttributes(fields), now, 'attributes.')
    case 'event':
    case 'page':
    case 'screen':
      return event(person, fields, now, fields.action)
    case 'delete':
      return erase(person, now)
    case 'suppress':
    case 'unsuppress':
      return suppress(person, fields.action === 'suppress', now)
    case 'add_device':
      return addDevice(person, fields, now)
    case 'delete_device':
      return removeDevice(person, deviceToken(fields), now)
    default:
      throw badRequest(
        'action must be one of identify, event, page, screen, delete, merge, suppress, unsuppress, add_device, delete_device',
        'action',
      )
  }
}

const timedAttributes = (fields: Fields): Fields => ({
  ...readObject(fields.attributes, 'attributes'),
  _timestamp: fields.timestamp,
})

function deviceToken(fields: Fields): string {
  const device = readObject(fields.device, 'device') ?? {}
  const token = readText(device.token ?? device.id, 'device.token')
  if (!token) throw badRequest('device.token is missing', 'device.token')
  return token
}

function common(person: PersonRef, timestamp: unknown, now: number, field = 'timestamp') {
  return { person, at: Math.min(readTime(timestamp, field) ?? now, now), acceptedAt: now, source }
}

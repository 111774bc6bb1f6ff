import type { Json } from '@fairway/queue'
import type { Fields } from '../audience/items/fields.ts'
import {
  nobody,
  readEmail,
  readFlag,
  readName,
  readNames,
  readObject,
  readPersonId,
  readProperties,
  readText,
  readTime,
} from '../audience/items/fields.ts'
import { type Device, foldName, type IngestItem, type PersonRef } from '../audience/items/item.ts'
import { addressKey } from '../platform/email-address.ts'
import { badRequest } from '../platform/errors.ts'
import { dedupeBy } from './dedupe.ts'
import { liftProfile } from './profile.ts'
import { readTopics } from './topics.ts'

/** The requests of Vero's Track API as items. `now` is epoch ms. */

const source = 'track_api'
const duplicateWindowMs = 5 * 60_000

/** POST users/track: creates or updates a person. */
export function identify(fields: Fields, now: number): IngestItem[] {
  const person = readPerson(fields)
  const extras = readObject(fields.extras, 'extras') ?? {}
  const phone = readText(fields.phone_number, 'phone_number')
  const {
    phone: otherPhone,
    email: otherEmail,
    ...profile
  } = liftProfile(readProperties(fields.data, 'data') ?? {}, 'data.')
  return [
    {
      kind: 'identify',
      ...common(person, extras, now),
      ...profile,
      email: person.email ?? otherEmail,
      phone: phone || otherPhone,
      devices: readDevices(fields.channels),
      topics: readTopics(readObject(fields.preferences, 'preferences')?.topics, 'preferences.topics'),
      updateOnly: readFlag(extras.update_only, 'extras.update_only'),
    },
  ]
}

/** PUT users/edit: changes properties, and the email address through `changes.email`. */
export function editProperties(fields: Fields, now: number): IngestItem[] {
  const person = readPerson(fields)
  const changes = readProperties(fields.changes, 'changes')
  if (changes === undefined) throw badRequest('changes is missing; name the properties to change', 'changes')
  const email = readEmail(changes.email, 'changes.email')
  const { id: _id, ...properties } = changes
  return [
    {
      kind: 'identify',
      ...common(person, {}, now),
      ...liftProfile(properties, 'changes.'),
      ...(email ? { email } : {}),
    },
  ]
}

/** The tag that stands for the subscription. */
const unsubscribedTag = 'unsubscribed'

/** PUT users/tags/edit. */
export function editTags(fields: Fields, now: number): IngestItem[] {
  const base = common(readPerson(fields), {}, now)
  const add = readNames(fields.add, 'add')
  const remove = readNames(fields.remove, 'remove')
  if (add.length === 0 && remove.length === 0 && !Array.isArray(fields.add) && !Array.isArray(fields.remove))
    throw badRequest('Name at least one tag in add or remove', 'add')

  const items: IngestItem[] = []
  const notReserved = (tag: string) => tag !== unsubscribedTag
  const tags = { add: add.filter(notReserved), remove: remove.filter(notReserved) }
  if (tags.add.length + tags.remove.length > 0) items.push({ kind: 'tags', ...base, ...tags })
  if (add.includes(unsubscribedTag)) items.push({ kind: 'subscription', ...base, subscribed: false })
  else if (remove.includes(unsubscribedTag)) items.push({ kind: 'subscription', ...base, subscribed: true })
  return items
}

/** PUT users/reidentify: the person `id` becomes `new_id`; two existing people are merged. */
export function reidentify(fields: Fields, now: number): IngestItem[] {
  const from = readPersonId(fields.id, 'id')
  const to = readPersonId(fields.new_id, 'new_id')
  if (from === undefined) throw nobody('id is missing; name the person to change', 'id', fields.id)
  if (to === undefined) throw nobody('new_id is missing; name the new id', 'new_id', fields.new_id)
  return [{ kind: 'merge', ...common({ id: to }, {}, now), from: { id: from } }]
}

export const unsubscribe = (fields: Fields, now: number): IngestItem[] => [
  { kind: 'subscription', ...common(readPerson(fields), {}, now), subscribed: false },
]

export const resubscribe = (fields: Fields, now: number): IngestItem[] => [
  { kind: 'subscription', ...common(readPerson(fields), {}, now), subscribed: true },
]

/** POST users/delete: erases the person. */
export const erase = (fields: Fields, now: number): IngestItem[] => [
  { kind: 'delete', ...common(readPerson(fields), {}, now) },
]

/** POST events/track. */
export function trackEvent(fields: Fields, now: number): IngestItem[] {
  const identity = readObject(fields.identity, 'identity')
  if (identity === undefined)
    throw badRequest('identity is missing; name the person by id or email', 'identity')
  const person = readPerson(identity, 'identity.')
  const name = readName(fields.event_name, 'event_name')
  const properties = readProperties(fields.data, 'data') ?? {}
  const extras = readObject(fields.extras, 'extras') ?? {}
  return [
    {
      kind: 'event',
      ...common(person, extras, now),
      name,
      properties,
      traits: traitsOf(identity, person),
      dedupe: duplicateKey(person, name, properties, extras),
    },
  ]
}

/** What tells two events apart within five minutes, by Vero's rules. */
function duplicateKey(person: PersonRef, name: string, data: Fields, extras: Fields) {
  const identifier = person.id ?? addressKey(person.email!)
  const dataText = JSON.stringify(data)
  const difference = dataText !== '{}' ? dataText : (readText(extras.check_id, 'extras.check_id') ?? '')
  return dedupeBy('vero', duplicateWindowMs, foldName(name), identifier, difference)
}

/** Old clients put properties of the person into `identity`. */
function traitsOf(identity: Fields, { email }: PersonRef) {
  const { id: _id, email: _email, _user_type: _type, ...rest } = identity
  if (Object.keys(rest).length === 0) return email === undefined ? undefined : { email }
  const { phone, properties } = liftProfile(rest as Record<string, Json>, 'identity.')
  return { email, phone: phone ?? undefined, properties }
}

function readPerson(fields: Fields, path = ''): PersonRef {
  const id = readPersonId(fields.id, `${path}id`)
  const email = readEmail(fields.email, `${path}email`)
  if (id === undefined && email === undefined)
    throw nobody(`${path}id is missing; name the person by id or email`, `${path}id`, fields.id, fields.email)
  return { id, email }
}

function common(person: PersonRef, extras: Fields, now: number) {
  const at = readTime(extras.created_at, 'extras.created_at') ?? now
  return { person, at: Math.min(at, now), acceptedAt: now, source: sourceOf(extras.source) }
}

/** `extras.source` says who sent it through this API, such as 'segment'. */
const sourceOf = (value: unknown) =>
  typeof value === 'string' && /^[\w .:/-]{1,64}$/.test(value) ? value : source

/** A list by the documentation, one object from some integrations. */
function readDevices(value: unknown): Device[] | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const channels = (Array.isArray(value) ? value : [value]).map((channel, i) => {
    const field = Array.isArray(value) ? `channels.${i}` : 'channels'
    const { type, address, platform } = readObject(channel, field) ?? {}
    if (type !== undefined && type !== null && type !== 'push') return undefined
    const token = readText(address, `${field}.address`)
    if (!token) return undefined
    return { type: 'push', address: token, platform: readText(platform, `${field}.platform`) } as const
  })
  const devices = channels.filter((device) => device !== undefined)
  return devices.length > 0 ? devices : undefined
}

import type { Json } from '@fairway/queue'
import type { Device, PersonRef } from '../../audience/items/item.ts'
import { nameLength } from '../../audience/items/limits.ts'
import { isNoId, noIdReason } from '../../audience/items/no-id.ts'
import { languageName, timezoneName } from '../../audience/people/locale.ts'
import { readTopics } from '../../ingest/topics.ts'
import { addressProblem, canonicalAddress } from '../../platform/email-address.ts'
import type { ValueType } from './columns.ts'
import { type Consent, consentIn, consentOf } from './consent.ts'
import type { ImportKind } from './kinds.ts'
import type { Options } from './options.ts'
import { asBoolean, asDate, asType, dateReason, nameOfType } from './values.ts'

/** What a row says, put together column by column. */
export interface Draft {
  person: PersonRef
  email?: string | null
  phone?: string | null
  timezone?: string
  language?: string
  properties: Record<string, Json>
  tags: string[]
  topics?: Record<string, boolean>
  devices?: Device[]
  subscribed?: boolean
  suppressed?: boolean
  /** Other ids that lead to the person. */
  aliases?: PersonRef[]
  /** Register → epoch ms of its latest write; see audience/people/registers.ts. */
  written?: Record<string, number>
  /** Epoch ms. */
  createdAt?: number
  updatedAt?: number
  event?: string
  time?: number
  eventId?: string
}

/** Puts a value, which is not empty, where it belongs; tells why it can't. */
export type Put = (draft: Draft, value: Json) => string | undefined

const named: Record<string, (options: Options) => Put> = {
  id: () => (draft, value) => {
    const id = readPersonId(value)
    if (typeof id !== 'string') return id.reason
    draft.person.id = id
  },
  anonymous_id: () => (draft, value) => {
    const id = readPersonId(value)
    if (typeof id !== 'string') return id.reason
    draft.person.anonymousId = id
  },
  email: () => (draft, value) => {
    const text = typeof value === 'string' ? value : ''
    const email = canonicalAddress(text)
    if (email === undefined) return addressProblem(text)
    draft.email = draft.person.email = email
  },
  phone: () => (draft, value) => {
    const phone = String(value).trim()
    if (typeof value === 'object' || phone.length > 64) return 'is not a phone number'
    if (isShortened(phone)) return shortened
    draft.phone = phone
  },
  timezone: () => (draft, value) => {
    const zone = timezoneName(typeof value === 'string' ? value.trim() : value)
    if (zone === undefined) return 'is not a time zone like Europe/Berlin, nor an offset in hours'
    draft.timezone = zone
  },
  language: () => (draft, value) => {
    const language = languageName(value)
    if (language === undefined) return 'is not a language like en or de-AT'
    draft.language = language
  },
  created_at: (options) => putTime(options, (draft, at) => (draft.createdAt = at)),
  updated_at: (options) => putTime(options, (draft, at) => (draft.updatedAt = at)),
  time: (options) => putTime(options, (draft, at) => (draft.time = at)),
  subscribed: () => putConsent(consentOf.subscribed!),
  unsubscribed: () => putConsent(consentOf.unsubscribed!),
  suppressed: () => putConsent(consentOf.suppressed!),
  tags: ({ tagSeparator }) => putTags(tagSeparator),
  topics: () => (draft, value) => {
    const topics = asType(value, 'json', {})
    try {
      if (topics !== undefined) draft.topics = { ...draft.topics, ...readTopics(topics, 'topics') }
      return topics === undefined ? 'is not JSON like {"news": true}' : undefined
    } catch (error) {
      return `is no topics: ${(error as Error).message}`
    }
  },
  devices: () => putDevices,
  properties: () => (draft, value) => {
    const properties = asType(value, 'json', {})
    if (typeof properties !== 'object' || properties === null || Array.isArray(properties))
      return 'is not a JSON object'
    for (const [name, one] of Object.entries(properties)) {
      const reason = nameReason(name)
      if (reason !== undefined) return reason
      draft.properties[name] = one as Json
    }
  },
  event: () => (draft, value) => {
    const name = typeof value === 'string' ? value.trim() : ''
    if (name === '' || name.length >= nameLength)
      return `is not the name of an event (1 to ${nameLength - 1} characters)`
    draft.event = name
  },
  event_id: () => (draft, value) => {
    const id = readId(value)
    if (typeof id !== 'string') return id.reason
    draft.eventId = id
  },
  aliases: () => putAliases,
  written: () => (draft, value) => {
    const written = asType(value, 'json', {})
    if (!isObject(written) || !Object.values(written).every((at) => typeof at === 'number' && at >= 0))
      return 'is not a JSON object of times in milliseconds since 1970'
    draft.written = written as Record<string, number>
  },
  person: () => (draft, value) => {
    const ref = isObject(value) ? value : { id: value }
    for (const [member, name] of [
      ['id', 'id'],
      ['anonymousId', 'anonymous_id'],
      ['email', 'email'],
    ] as const) {
      const one = ref[member]
      const reason = one === null || one === undefined ? undefined : named[name]!({})(draft, one)
      if (reason !== undefined) return `${member} ${reason}`
    }
  },
  ignore: () => () => undefined,
}

/** What the columns of each kind may go to, besides `property:NAME` and `topic:NAME`. */
const kinds: Record<ImportKind, string[]> = {
  people: [
    ...['id', 'anonymous_id', 'email', 'phone', 'timezone', 'language', 'created_at', 'updated_at'],
    ...['tags', 'topics', 'devices', 'subscribed', 'unsubscribed', 'suppressed', 'properties'],
    ...['aliases', 'written', 'ignore'],
  ],
  events: ['id', 'anonymous_id', 'email', 'person', 'event', 'time', 'event_id', 'properties', 'ignore'],
  suppressions: ['id', 'email', 'ignore'],
  unsubscribes: ['id', 'email', 'ignore'],
  tags: ['id', 'email', 'tags', 'ignore'],
  segment: ['id', 'email', 'ignore'],
}

/** Cells of these that are empty can mean that there is nothing; of the others, that nothing is known. */
export const clearable: Record<string, (draft: Draft) => void> = {
  email: (draft) => (draft.email = null),
  phone: (draft) => (draft.phone = null),
}

export const isClearable = (to: string) => to in clearable || to.startsWith('property:')

/** Several columns may go there. */
export const isShared = (to: string) =>
  ['ignore', 'tags', 'properties', 'unsubscribed', 'suppressed'].includes(to)

/** @returns undefined when a column of this kind of import can't go there */
export function putInto(kind: ImportKind, to: string, type: ValueType, options: Options): Put | undefined {
  const colon = to.indexOf(':')
  if (colon === -1)
    return kinds[kind].includes(to)
      ? named[to]!({ ...options, serialDates: type === 'serial_date' })
      : undefined
  const [what, name] = [to.slice(0, colon), to.slice(colon + 1)]
  if (nameReason(name) !== undefined) return undefined
  if (what === 'property' && (kind === 'people' || kind === 'events')) return putProperty(name, type, options)
  if (what === 'topic' && kind === 'people') return putTopic(name)
  return undefined
}

export const targetsOf = (kind: ImportKind): string =>
  [
    ...kinds[kind],
    ...(kind === 'people' ? ['property:NAME', 'topic:NAME'] : kind === 'events' ? ['property:NAME'] : []),
  ].join(', ')

const nameReason = (name: string) =>
  name.trim() === '' || name.length > 255 || name === '__proto__'
    ? 'has a property whose name is empty or longer than 255 characters'
    : undefined

function readId(value: Json): string | { reason: string } {
  const text = typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : ''
  if (text === '') return { reason: 'is not an id: a text or a number' }
  if (text.length >= nameLength) return { reason: `must be shorter than ${nameLength} characters` }
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return { reason: 'is too large for a JSON number to be exact; write it as a text' }
  return text
}

function readPersonId(value: Json): string | { reason: string } {
  const id = readId(typeof value === 'boolean' ? String(value) : value)
  if (typeof id !== 'string') return id
  if (isShortened(id)) return { reason: shortened }
  return isNoId(id) ? { reason: noIdReason(id) } : id
}

/** `4.91512E+11`, as spreadsheets show a long number: many numbers look so, and who they are of is lost. */
const isShortened = (text: string) => /^\d[.,]\d+E\+\d{2}$/.test(text)
const shortened =
  'is a long number that a spreadsheet cut short; make its column one of texts there, or of numbers without decimals, and save it again'

const putTime =
  (options: Options, put: (draft: Draft, at: number) => void): Put =>
  (draft, value) => {
    const at = asDate(value, options)
    if (at === undefined) return dateReason(value, options)
    if (at < 0) return 'is before 1970'
    put(draft, at)
  }

/** Of several columns that which says no counts. */
const putConsent =
  (read: (value: Json) => Consent | undefined): Put =>
  (draft, value) => {
    const consent = read(value)
    if (consent === undefined)
      return `is not ${nameOfType.boolean}, nor a word of consent or a time that is known here`
    const { subscribed, suppressed } = consent
    if (subscribed !== undefined) draft.subscribed = subscribed && draft.subscribed !== false
    if (suppressed !== undefined) draft.suppressed = suppressed || draft.suppressed === true
  }

const putProperty =
  (name: string, type: ValueType, options: Options): Put =>
  (draft, value) => {
    const typed = asType(value, type, options)
    if (typed === undefined)
      return type === 'date' ? dateReason(value, options) : `is not ${nameOfType[type]}`
    draft.properties[name] = typed
  }

const putTopic =
  (name: string): Put =>
  (draft, value) => {
    const flag = asBoolean(value) ?? consentIn(value)?.subscribed
    if (flag === undefined) return `is not ${nameOfType.boolean}`
    draft.topics = { ...draft.topics, [name]: flag }
  }

/** Google's contacts have them with three colons between, Mailchimp's each in quotes. */
const putTags =
  (separator: string | undefined): Put =>
  (draft, value) => {
    const list =
      typeof value === 'string' && value.trimStart().startsWith('[') ? asType(value, 'json', {}) : value
    const text = String(list)
    const names = Array.isArray(list)
      ? list
      : text.split(separator ?? (text.includes(' ::: ') ? ' ::: ' : ','))
    for (const one of names) {
      const tag = typeof one === 'string' || typeof one === 'number' ? String(one).trim() : undefined
      if (tag === undefined || tag.length >= nameLength)
        return `has a tag that is no text of at most ${nameLength - 1} characters`
      const bare = tag.length > 2 && tag.startsWith('"') && tag.endsWith('"') ? tag.slice(1, -1).trim() : tag
      if (bare !== '') draft.tags.push(bare)
    }
  }

const putDevices: Put = (draft, value) => {
  const list = asType(value, 'json', {})
  const devices = Array.isArray(list) ? (list as unknown as Partial<Device>[]) : undefined
  const sound = devices?.every(
    (device) => typeof device?.address === 'string' && device.address.length <= 4_096,
  )
  if (!devices || !sound) return 'is not a JSON list of devices like {"type": "push", "address": "…"}'
  draft.devices = devices.map(({ address, platform }) => ({
    type: 'push',
    address: address!,
    ...(typeof platform === 'string' && { platform }),
  }))
}

const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const putAliases: Put = (draft, value) => {
  const list = asType(value, 'json', {})
  const refs = Array.isArray(list) ? list.filter(isObject) : []
  const sound = refs.every(({ id, anonymousId }) =>
    [id, anonymousId].every(
      (one) => one === undefined || (typeof one === 'string' && one.length < nameLength),
    ),
  )
  if (!Array.isArray(list) || refs.length < list.length || !sound)
    return 'is not a JSON list of ids like [{"id": "…"}, {"anonymousId": "…"}]'
  const none = refs
    .flatMap(({ id, anonymousId }) => [id, anonymousId])
    .find((one) => typeof one === 'string' && isNoId(one))
  if (none !== undefined) return noIdReason(none as string)
  draft.aliases = refs as PersonRef[]
}

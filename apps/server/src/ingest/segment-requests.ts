import type { Json } from '@fairway/queue'
import type { Fields } from '../audience/items/fields.ts'
import {
  nobody,
  readId,
  readName,
  readObject,
  readPersonId,
  readProperties,
  readText,
  readTime,
} from '../audience/items/fields.ts'
import type { Device, EventItem, IdentifyItem, IngestItem, PersonRef } from '../audience/items/item.ts'
import { languageName, timezoneName } from '../audience/people/locale.ts'
import { badRequest } from '../platform/errors.ts'
import { dedupeBy } from './dedupe.ts'
import { liftProfile } from './profile.ts'

/** The calls of Segment's spec as items. Field names in errors are relative to the call. */

const source = 'segment'
const duplicateWindowMs = 24 * 3_600_000

export interface CallContext {
  /** When the request was accepted, epoch ms. */
  now: number
  /** `sentAt` and `context` of the batch, for calls without their own. */
  batch: Fields
  /** Historical data: its times are taken as they are. */
  historical: boolean
}

type ToItems = (call: Fields, context: CallContext) => IngestItem[]

const calls: Record<string, ToItems> = {
  identify: (call, context) => [identify(call, context)],
  track: (call, context) => [event(call, context, readName(call.event, 'event'), {})],
  page: (call, context) => [
    event(call, context, 'Viewed page', { name: call.name, category: call.category }),
  ],
  screen: (call, context) => [
    event(call, context, 'Viewed screen', { name: call.name, category: call.category }),
  ],
  group: (call, context) => [group(call, context)],
  alias: (call, context) => [alias(call, context)],
}

export const callTypes = Object.keys(calls)

/** @throws {ApiError} 400 naming the wrong field */
export function callToItems(type: unknown, call: Fields, context: CallContext): IngestItem[] {
  if (typeof type !== 'string' || !Object.hasOwn(calls, type))
    throw badRequest(`type must be one of ${callTypes.join(', ')}`, 'type')
  return calls[type]!(call, context)
}

function identify(call: Fields, context: CallContext): IdentifyItem {
  const around = contextOf(call, context)
  const own = readProperties(call.traits, 'traits') ?? {}
  const traits = { ...readProperties(around.traits, 'context.traits'), ...own }
  const profile = liftProfile(traits, own.email === undefined ? 'context.traits.' : 'traits.')
  return {
    kind: 'identify',
    ...common(call, context),
    ...profile,
    timezone: profile.timezone ?? timezoneName(around.timezone),
    language: profile.language ?? languageName(around.locale),
    devices: devicesOf(around),
    dedupe: duplicateKey(call),
  }
}

function event(call: Fields, context: CallContext, name: string, named: Fields): EventItem {
  const properties = { ...readProperties(call.properties, 'properties') }
  for (const [key, value] of Object.entries(named)) if (value != null) properties[key] ??= value as Json
  return {
    kind: 'event',
    ...common(call, context),
    name,
    properties,
    ...traitsOf(contextOf(call, context)),
    dedupe: duplicateKey(call),
  }
}

/** Traits that a client repeats with every event. */
function traitsOf(around: Fields): Pick<EventItem, 'traits' | 'note'> {
  const traits = readProperties(around.traits, 'context.traits')
  if (traits === undefined) return {}
  const { email, phone, properties, note } = liftProfile(traits, 'context.traits.')
  return { traits: { email: email ?? undefined, phone: phone ?? undefined, properties }, note }
}

/** Fairway has no accounts above people: a group becomes the person's property `group`. */
function group(call: Fields, context: CallContext): IdentifyItem {
  const id = readId(call.groupId, 'groupId')
  if (id === undefined) throw badRequest('groupId is missing; name the group', 'groupId')
  return {
    kind: 'identify',
    ...common(call, context),
    properties: { group: { ...readProperties(call.traits, 'traits'), id } },
    dedupe: duplicateKey(call),
  }
}

/** `previousId` is the old id: most often an anonymous one, so it is given as both. */
function alias(call: Fields, context: CallContext): IngestItem {
  const previousId =
    readPersonId(call.previousId, 'previousId') ?? readPersonId(call.anonymousId, 'anonymousId')
  const userId = readPersonId(call.userId, 'userId')
  if (previousId === undefined)
    throw nobody('previousId is missing; name the old id', 'previousId', call.previousId)
  if (userId === undefined) throw nobody('userId is missing; name the new id', 'userId', call.userId)
  return {
    kind: 'merge',
    ...common({ ...call, anonymousId: undefined }, context),
    from: { id: previousId, anonymousId: previousId },
  }
}

function common(call: Fields, context: CallContext) {
  return { person: readPerson(call), at: timeOf(call, context), acceptedAt: context.now, source }
}

function readPerson(call: Fields): PersonRef {
  const id = readPersonId(call.userId, 'userId')
  const anonymousId = readPersonId(call.anonymousId, 'anonymousId')
  if (id === undefined && anonymousId === undefined)
    throw nobody('userId or anonymousId is missing; name the person', 'userId', call.userId, call.anonymousId)
  return { id, anonymousId }
}

/**
 * When it happened by our clock. The sender's clock may be wrong, but by the same amount when it wrote the call and when
 * it sent it: `now - (sentAt - timestamp)`.
 */
function timeOf(call: Fields, { now, batch, historical }: CallContext): number {
  const stated =
    readTime(call.originalTimestamp, 'originalTimestamp') ?? readTime(call.timestamp, 'timestamp')
  if (stated === undefined) return now
  const sentAt = readTime(call.sentAt, 'sentAt') ?? readTime(batch.sentAt, 'sentAt')
  const at = sentAt === undefined || historical ? stated : now - (sentAt - stated)
  return Math.max(0, Math.min(at, now))
}

const contextOf = (call: Fields, { batch }: CallContext): Fields =>
  readObject(call.context, 'context') ?? readObject(batch.context, 'context') ?? {}

function duplicateKey(call: Fields) {
  const id = readText(call.messageId, 'messageId')
  return id ? dedupeBy('segment', duplicateWindowMs, id) : undefined
}

function devicesOf(around: Fields): Device[] | undefined {
  const device = readObject(around.device, 'context.device') ?? {}
  const { token } = device
  if (typeof token !== 'string' || token === '') return undefined
  const platform = device.type ?? readObject(around.os, 'context.os')?.name
  return [
    {
      type: 'push',
      address: token,
      platform: typeof platform === 'string' ? platform.toLowerCase() : undefined,
    },
  ]
}

import type { Json } from '@fairway/queue'
import type { IdentifyItem } from '../../audience/items/item.ts'
import {
  deviceRegister,
  propertyOf,
  propertyRegister,
  tagRegister,
  topicRegister,
} from '../../audience/people/registers.ts'
import type { WritingItem } from '../../audience/people/writes.ts'
import type { Draft } from './targets.ts'

type Base = Pick<IdentifyItem, 'person' | 'acceptedAt' | 'source'>

/**
 * A person with the time of each fact, as another Fairway project exports them: one item for each moment, so that a fact
 * is as old here as it was there, and what was removed there later than it was written here goes.
 */
export function timedItems(draft: Draft, base: Base, latest: number): WritingItem[] {
  const written = draft.written!
  const moments = new Map<number, IdentifyItem & { properties: Record<string, Json> }>()
  const at = (register: string): IdentifyItem & { properties: Record<string, Json> } => {
    // Without a time it is of unknown age: everything else is newer.
    const time = Math.min(Object.hasOwn(written, register) ? written[register]! : 0, latest)
    let item = moments.get(time)
    if (!item) moments.set(time, (item = { kind: 'identify', ...base, at: time, properties: {} }))
    return item
  }
  for (const field of ['email', 'phone', 'timezone', 'language'] as const)
    if (draft[field] !== undefined) at(`$${field}`)[field] = draft[field]
  for (const [name, value] of Object.entries(draft.properties))
    at(propertyRegister(name)).properties[name] = value
  for (const tag of draft.tags) tagsOf(at(tagRegister(tag))).add.push(tag)
  for (const [topic, wanted] of Object.entries(draft.topics ?? {})) {
    const item = at(topicRegister(topic))
    item.topics = { ...item.topics, [topic]: wanted }
  }
  for (const device of draft.devices ?? []) (at(deviceRegister(device.address)).devices ??= []).push(device)
  if (draft.subscribed !== undefined) at('$subscribed').subscribed = draft.subscribed
  addRemovals(draft, at)
  // Somebody without any fact is there all the same.
  if (moments.size === 0) at('$id')
  const items: WritingItem[] = [...moments.values()]
  for (const item of moments.values()) if (draft.createdAt !== undefined) item.createdAt = draft.createdAt
  if (draft.suppressed !== undefined)
    items.push({
      kind: 'suppression',
      ...base,
      at: Math.min(written.$suppressed ?? 0, latest),
      suppressed: draft.suppressed,
    })
  return items
}

const tagsOf = (item: IdentifyItem) => (item.tags ??= { add: [], remove: [] })

/** A time without a value is that of a removal. */
function addRemovals(draft: Draft, at: (register: string) => IdentifyItem): void {
  const tags = new Set(draft.tags)
  const devices = new Set((draft.devices ?? []).map(({ address }) => address))
  for (const register of Object.keys(draft.written!)) {
    const property = propertyOf(register)
    if (property !== undefined) {
      if (!Object.hasOwn(draft.properties, property))
        at(register).properties = { ...at(register).properties, [property]: null }
    } else if (register.startsWith('$tag:')) {
      if (!tags.has(register.slice(5))) tagsOf(at(register)).remove.push(register.slice(5))
    } else if (register.startsWith('$device:')) {
      if (!devices.has(register.slice(8))) (at(register).removeDevices ??= []).push(register.slice(8))
    } else if (register === '$email' || register === '$phone') {
      const field = register.slice(1) as 'email' | 'phone'
      if (draft[field] === undefined) at(register)[field] = null
    }
  }
}

import type { Json } from '@fairway/queue'
import type { EventItem, IdentifyItem, IngestItem } from '../items/item.ts'
import { identityOf } from './identity.ts'
import {
  deviceRegister,
  isOptOut,
  propertyOf,
  propertyRegister,
  type Registers,
  secondaryRegister,
  tagRegister,
  topicRegister,
  write,
  yieldingTime,
} from './registers.ts'

/** Items that write registers of one person. */
export type WritingItem = Exclude<IngestItem, { kind: 'merge' | 'delete' }>

/** Bounds of one person. What goes beyond is refused, with an entry in the project's rejects. */
export const personLimits = {
  properties: 1_000,
  /** Bytes of all properties as JSON. */
  propertyBytes: 262_144,
  /** Tags, topics and devices together. */
  labels: 1_000,
  /** Removed facts whose time is remembered; beyond, the oldest are forgotten. */
  removed: 2_000,
}

type Write = (register: string, value: Json) => void

/** The tag that stands for the subscription. */
const unsubscribedTag = 'unsubscribed'

/** Whether an item of this kind changes more than the existence of its person. */
export function hasWrites(item: WritingItem): boolean {
  return item.kind !== 'event' || item.traits !== undefined
}

/**
 * Applies an item to a person. All or nothing.
 *
 * @returns why it was refused, undefined when it was applied
 */
export function applyItem(registers: Registers, item: WritingItem): string | undefined {
  const refusal = refuse(registers, item)
  if (refusal !== undefined) return refusal
  const yields = isOfSecondary(registers, item)
  eachWrite(item, (name, value) => {
    if (item.keepsOptOuts && givesBack(registers, name, value)) return
    write(registers, name, yields ? yieldingTime(name, item.at) : item.at, value)
  })
  return undefined
}

/** Whether a write subscribes somebody to what they opted out of. */
function givesBack(registers: Registers, name: string, value: Json): boolean {
  const before = registers.get(name)
  return (
    before !== undefined &&
    typeof value === 'boolean' &&
    isOptOut(name, before.value) &&
    !isOptOut(name, value)
  )
}

/** Whether an item says yes where somebody said no before, who would be subscribed again if it may do that. */
export function meetsOptOut(registers: Registers, item: WritingItem): boolean {
  let meets = false
  if (item.keepsOptOuts !== undefined)
    eachWrite(item, (name, value) => {
      if (givesBack(registers, name, value) && item.at > registers.get(name)!.at) meets = true
    })
  return meets
}

/** Written of an id that a merge made part of another, before that merge: it may come later than the merge itself. */
function isOfSecondary(registers: Registers, { person, at }: WritingItem): boolean {
  const { external } = identityOf(person)
  if (external === undefined) return false
  const merged = registers.get(secondaryRegister(external))
  return merged !== undefined && at <= merged.at
}

/** A list of them would be made for every item, only to be gone through once. */
export function eachWrite(item: WritingItem, write: Write): void {
  switch (item.kind) {
    case 'identify':
      identifyWrites(item, write)
      break
    case 'event':
      traitWrites(item, write)
      break
    case 'tags':
      tagWrites(item, write)
      break
    case 'subscription':
      write('$subscribed', item.subscribed)
      break
    case 'suppression':
      write('$suppressed', item.suppressed)
  }
}

function identifyWrites(item: IdentifyItem, write: Write): void {
  if (item.email !== undefined) write('$email', item.email)
  if (item.phone !== undefined) write('$phone', item.phone)
  if (item.timezone !== undefined) write('$timezone', item.timezone)
  if (item.language !== undefined) write('$language', item.language)
  propertyWrites(item.properties, write)
  if (item.tags) tagWrites(item.tags, write)
  for (const { address, ...device } of item.devices ?? [])
    write(deviceRegister(address), device as unknown as Json)
  for (const address of item.removeDevices ?? []) write(deviceRegister(address), null)
  for (const topic in item.topics) write(topicRegister(topic), item.topics[topic]!)
  if (item.subscribed !== undefined) write('$subscribed', item.subscribed)
}

function traitWrites({ traits }: EventItem, write: Write): void {
  if (traits?.email !== undefined) write('$email', traits.email)
  if (traits?.phone !== undefined) write('$phone', traits.phone)
  propertyWrites(traits?.properties, write)
}

function propertyWrites(properties: Record<string, Json> | undefined, write: Write): void {
  for (const name in properties) write(propertyRegister(name), properties[name]!)
}

function tagWrites({ add, remove }: { add: string[]; remove: string[] }, write: Write): void {
  for (const [tags, value] of [
    [add, true],
    [remove, null],
  ] as const)
    for (const tag of tags)
      if (tag === unsubscribedTag) write('$subscribed', value === null)
      else write(tagRegister(tag), value)
}

function refuse(registers: Registers, item: WritingItem): string | undefined {
  // Far from the limits, which is nearly always, nothing has to be known of what is there.
  let writes = 0
  eachWrite(item, () => void writes++)
  if (registers.size + writes <= personLimits.labels) return undefined
  const counts = countAfter(registers, item)
  if (counts.properties > personLimits.properties)
    return `the person would have ${counts.properties} properties; ${personLimits.properties} is the limit`
  if (counts.labels > personLimits.labels)
    return `the person would have ${counts.labels} tags, topics and devices; ${personLimits.labels} is the limit`
  return undefined
}

function countAfter(registers: Registers, item: WritingItem) {
  const present = new Map([...registers].map(([name, { value }]) => [name, value !== null]))
  eachWrite(item, (name, value) => void present.set(name, value !== null))
  const counts = { properties: 0, labels: 0 }
  for (const [name, is] of present) {
    if (!is) continue
    if (propertyOf(name) !== undefined) counts.properties++
    else if (name.includes(':')) counts.labels++
  }
  return counts
}

/** Forgets the oldest removals, so that a person who is written to for ever does not grow for ever. */
export function boundRemovals(registers: Registers): void {
  if (registers.size <= personLimits.removed) return
  const removed = [...registers].filter(([, { value }]) => value === null)
  removed.sort(([, a], [, b]) => b.at - a.at)
  for (const [name] of removed.slice(personLimits.removed)) registers.delete(name)
}

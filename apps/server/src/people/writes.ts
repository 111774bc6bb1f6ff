import type { Json } from '@fairway/queue'
import type { EventItem, IdentifyItem, IngestItem } from '../ingest/item.ts'
import {
  deviceRegister,
  propertyOf,
  propertyRegister,
  type Registers,
  tagRegister,
  topicRegister,
  write,
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

type Write = [register: string, value: Json]

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
  const writes = writesOf(item)
  if (writes.length === 0) return undefined
  const refusal = refuse(registers, writes)
  if (refusal !== undefined) return refusal
  for (const [name, value] of writes) write(registers, name, item.at, value)
  return undefined
}

function writesOf(item: WritingItem): Write[] {
  switch (item.kind) {
    case 'identify':
      return identifyWrites(item)
    case 'event':
      return traitWrites(item)
    case 'tags':
      return tagWrites(item)
    case 'subscription':
      return [['$subscribed', item.subscribed]]
    case 'suppression':
      return [['$suppressed', item.suppressed]]
  }
}

function identifyWrites(item: IdentifyItem): Write[] {
  const writes: Write[] = []
  if (item.email !== undefined) writes.push(['$email', item.email])
  if (item.phone !== undefined) writes.push(['$phone', item.phone])
  if (item.timezone !== undefined) writes.push(['$timezone', item.timezone])
  if (item.language !== undefined) writes.push(['$language', item.language])
  pushProperties(writes, item.properties)
  if (item.tags) writes.push(...tagWrites(item.tags))
  for (const { address, ...device } of item.devices ?? [])
    writes.push([deviceRegister(address), device as unknown as Json])
  for (const address of item.removeDevices ?? []) writes.push([deviceRegister(address), null])
  for (const [topic, subscribed] of Object.entries(item.topics ?? {}))
    writes.push([topicRegister(topic), subscribed])
  if (item.subscribed !== undefined) writes.push(['$subscribed', item.subscribed])
  return writes
}

function traitWrites({ traits }: EventItem): Write[] {
  const writes: Write[] = []
  if (traits?.email !== undefined) writes.push(['$email', traits.email])
  if (traits?.phone !== undefined) writes.push(['$phone', traits.phone])
  pushProperties(writes, traits?.properties)
  return writes
}

function pushProperties(writes: Write[], properties: Record<string, Json> | undefined): void {
  for (const name in properties) writes.push([propertyRegister(name), properties[name]!])
}

function tagWrites({ add, remove }: { add: string[]; remove: string[] }): Write[] {
  const toWrite = (value: true | null) => (tag: string) =>
    (tag === unsubscribedTag ? ['$subscribed', value === null] : [tagRegister(tag), value]) satisfies Write
  return [...add.map(toWrite(true)), ...remove.map(toWrite(null))]
}

function refuse(registers: Registers, writes: Write[]): string | undefined {
  // Far from the limits, which is nearly always, there is nothing to count.
  if (registers.size + writes.length > personLimits.labels) {
    const counts = countAfter(registers, writes)
    if (counts.properties > personLimits.properties)
      return `the person would have ${counts.properties} properties; ${personLimits.properties} is the limit`
    if (counts.labels > personLimits.labels)
      return `the person would have ${counts.labels} tags, topics and devices; ${personLimits.labels} is the limit`
  }
  return undefined
}

function countAfter(registers: Registers, writes: Write[]) {
  const present = new Map([...registers].map(([name, { value }]) => [name, value !== null]))
  for (const [name, value] of writes) present.set(name, value !== null)
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

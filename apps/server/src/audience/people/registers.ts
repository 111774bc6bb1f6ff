import type { Json } from '@fairway/queue'

/**
 * What is known of a person, as one register per fact: its value and the time of its last write. A write wins by its
 * own time, never by the order of arrival, so the same writes in any order and any repetition give the same person, and
 * merging two people is the later write of each register.
 *
 * Names: a property by its own name (`$…` gets a second `$`), and `$id` and `$provisional` (who it is), `$email`, `$phone`,
 * `$timezone`, `$language`, `$subscribed`, `$suppressed`, `$tag:<tag>`, `$topic:<topic>`, `$device:<address>`, `$secondary:<id>`.
 */
export type Registers = Map<string, Register>

export interface Register {
  /** Epoch ms of the last write; 0 for a value of unknown age. */
  at: number
  /** null: absent, or removed at that time. */
  value: Json
}

export const propertyRegister = (property: string): string =>
  property.startsWith('$') ? `$${property}` : property
export const tagRegister = (tag: string): string => `$tag:${tag}`
export const topicRegister = (topic: string): string => `$topic:${topic}`
export const deviceRegister = (address: string): string => `$device:${address}`

/** Undefined for a register that is no property. */
export function propertyOf(register: string): string | undefined {
  if (!register.startsWith('$')) return register
  return register.startsWith('$$') ? register.slice(1) : undefined
}

/** Of who somebody is, not of what is known about them. */
export const isOfIdentity = (register: string): boolean => register === '$id' || register === '$provisional'

/** Returns whether the write was news. */
export function write(registers: Registers, name: string, at: number, value: Json): boolean {
  const before = registers.get(name)
  if (before !== undefined && !wins(name, at, value, before)) return false
  registers.set(name, { at, value })
  return true
}

/** Adds everything known in `from` to `into`. */
export function join(into: Registers, from: Registers): void {
  for (const [name, { at, value }] of from) write(into, name, at, value)
}

/**
 * Writes of the same millisecond are told apart by their values, so that their order can't matter: a value beats its
 * removal, an opt-out beats an opt-in, else the greater text wins.
 */
function wins(name: string, at: number, value: Json, before: Register): boolean {
  if (at !== before.at) return at > before.at
  if (value === before.value) return false
  if (value === null || before.value === null) return before.value === null
  if (isConsent(name)) return value === false
  return canonical(value) > canonical(before.value)
}

/** Holds when somebody of this id was merged into one who keeps their own values; no value. */
export const secondaryRegister = (id: string): string => `$secondary:${id}`

/**
 * What was written of a secondary before that merge yields to whatever is written of the primary, whenever that was, and fills
 * what the primary has not. Its times keep their order below all times that people write, which are whole milliseconds. An
 * opt-out and a suppression don't yield: the later word counts.
 */
export const yieldingTime = (name: string, at: number): number =>
  isOfConsent(name) || name.startsWith('$secondary:') ? at : at / 1e16

const isConsent = (name: string) => name === '$subscribed' || name.startsWith('$topic:')

/** Whether a register tells, for or against, whether somebody is sent mail. */
export const isOfConsent = (name: string): boolean => isConsent(name) || name === '$suppressed'

export const isOptOut = (name: string, value: Json): boolean =>
  isOfConsent(name) && value === (name === '$suppressed')

export function sameValue(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  return canonical(a) === canonical(b)
}

/** JSON text with sorted keys: PostgreSQL gives objects back with their keys in an order of its own. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_key, member: Json) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}

import type { Json } from '@fairway/queue'
import type { Pool, PoolClient } from 'pg'
import {
  deviceRegister,
  propertyOf,
  propertyRegister,
  type Registers,
  tagRegister,
  topicRegister,
} from './registers.ts'

/** A person as stored. */
export interface Person {
  id: number
  external_id: string | null
  /** The external id is an address that serves as one: nobody gave them an id yet. */
  provisional: boolean
  anonymous_id: string | null
  email: string | null
  phone: string | null
  timezone: string | null
  language: string | null
  properties: Record<string, Json>
  tags: string[]
  channels: Device[]
  topics: Record<string, boolean>
  subscribed: boolean
  suppressed: boolean
  created_at: Date
  updated_at: Date
}

export interface Device {
  type: 'push'
  address: string
  platform?: string
}

/** With the time of each write. */
export interface PersonRow extends Person {
  written: Record<string, number>
}

/** The columns that registers make. */
export type PersonState = Omit<PersonRow, 'id' | 'anonymous_id' | 'created_at' | 'updated_at'>

export const personColumns = `id, external_id, provisional, anonymous_id, email, phone, timezone, language, properties, tags, channels,
  topics, subscribed, suppressed, created_at, updated_at`

const textColumns = ['email', 'phone', 'timezone', 'language'] as const

export function readRegisters(row: PersonState): Registers {
  const { written } = row
  const registers: Registers = new Map()
  const set = (name: string, value: Json) =>
    registers.set(name, { at: Object.hasOwn(written, name) ? written[name]! : 0, value })
  if (row.external_id !== null) set('$id', row.external_id)
  if (row.provisional) set('$provisional', true)
  for (const column of textColumns) if (row[column] !== null) set(`$${column}`, row[column])
  for (const name in row.properties) set(propertyRegister(name), row.properties[name]!)
  for (const tag of row.tags) set(tagRegister(tag), true)
  for (const topic in row.topics) set(topicRegister(topic), row.topics[topic]!)
  for (const { address, ...device } of row.channels) set(deviceRegister(address), { ...device })
  set('$subscribed', row.subscribed)
  set('$suppressed', row.suppressed)
  // What is left was removed, and its time must outlive it.
  for (const name in written)
    if (!registers.has(name)) registers.set(name, { at: written[name]!, value: null })
  return registers
}

export function writeState(registers: Registers): PersonState {
  const state: PersonState = {
    external_id: null,
    provisional: false,
    email: null,
    phone: null,
    timezone: null,
    language: null,
    properties: {},
    written: {},
    tags: [],
    channels: [],
    topics: {},
    subscribed: true,
    suppressed: false,
  }
  for (const [name, { at, value }] of registers) {
    if (at > 0) setMember(state.written, name, at)
    if (value === null) continue
    const property = propertyOf(name)
    if (property !== undefined) setMember(state.properties, property, value)
    else if (name.startsWith('$tag:')) state.tags.push(name.slice(5))
    else if (name.startsWith('$topic:')) setMember(state.topics, name.slice(7), value === true)
    else if (name.startsWith('$device:'))
      state.channels.push({ ...(value as unknown as Device), address: name.slice(8) })
    else setColumn(state, name, value)
  }
  state.tags.sort()
  state.channels.sort((a, b) => (a.address < b.address ? -1 : 1))
  return state
}

/** A property may be called __proto__, which an assignment would take for something else. */
function setMember<T>(object: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
  else object[name] = value
}

function setColumn(state: PersonState, name: string, value: Json): void {
  switch (name) {
    case '$id':
      state.external_id = value as string
      break
    case '$provisional':
      state.provisional = value as boolean
      break
    case '$email':
    case '$phone':
    case '$timezone':
    case '$language':
      state[name.slice(1) as (typeof textColumns)[number]] = value as string
      break
    case '$subscribed':
      state.subscribed = value as boolean
      break
    case '$suppressed':
      state.suppressed = value as boolean
  }
}

/** By the product's id, ids of merged people included; undefined when there is none. */
export async function findPerson(
  client: Pool | PoolClient,
  projectId: number,
  externalId: string,
): Promise<Person | undefined> {
  const { rows } = await client.query<Person>({
    name: 'people_find',
    text: `select ${personColumns} from people where project_id = $1 and id = coalesce(
        (select id from people where project_id = $1 and external_id = $2),
        (select person_id from person_aliases where project_id = $1 and kind = 'external' and alias = $2))`,
    values: [projectId, externalId],
  })
  return rows[0]
}

/** By our own id. */
export async function loadPerson(
  client: Pool | PoolClient,
  projectId: number,
  id: number,
): Promise<Person | undefined> {
  const { rows } = await client.query<Person>(
    `select ${personColumns} from people where project_id = $1 and id = $2`,
    [projectId, id],
  )
  return rows[0]
}

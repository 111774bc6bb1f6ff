import type { Json } from '@fairway/queue'
import type { Recipient } from '../people/lookup.ts'
import { readProperty } from './values.ts'

/** Fields that every person has; they win over properties of the same name. */
const builtIns = new Map<string, (person: Recipient) => Json>([
  ['id', (person) => person.external_id],
  ['email', (person) => person.email],
  ['phone', (person) => person.phone],
  ['timezone', (person) => person.timezone],
  ['language', (person) => person.language],
  ['created_at', (person) => person.created_at.toISOString()],
])

/** A built-in field, or else a property. */
export function personProperty(person: Recipient, name: string): Json | undefined {
  const builtIn = builtIns.get(name)
  return builtIn ? builtIn(person) : readProperty(person.properties, name)
}

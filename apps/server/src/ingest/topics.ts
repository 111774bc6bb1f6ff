import type { Fields } from '../audience/items/fields.ts'
import { readFlag, readId, readObject } from '../audience/items/fields.ts'
import { badRequest } from '../platform/errors.ts'

/**
 * Topic preferences, as a map from topic to wanted or not. Takes `{"news": true}`,
 * `[{"id": "news", "status": "subscribed"}]` (or `name`, `subscribed`), and a plain list of wanted topics.
 */
export function readTopics(value: unknown, field: string): Record<string, boolean> | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const topics = Array.isArray(value) ? fromList(value, field) : fromMap(readObject(value, field)!, field)
  return topics.length > 0 ? Object.fromEntries(topics) : undefined
}

type Topic = [name: string, wanted: boolean]

function fromList(list: unknown[], field: string): Topic[] {
  return list.map((element, i) => {
    const path = `${field}.${i}`
    if (typeof element !== 'object' || element === null) return [nameOf(element, path), true]
    const topic = element as Fields
    return [
      nameOf(topic.id ?? topic.name ?? topic.topic, `${path}.id`),
      wanted(topic.status ?? topic.subscribed, path),
    ]
  })
}

const fromMap = (map: Fields, field: string): Topic[] =>
  Object.entries(map).map(([name, status]) => [name, wanted(status, `${field}.${name}`)])

function nameOf(value: unknown, field: string): string {
  const name = readId(value, field)
  if (name === undefined) throw badRequest(`${field} is missing; name the topic`, field)
  return name
}

function wanted(status: unknown, field: string): boolean {
  const word = typeof status === 'string' ? status.trim().toLowerCase() : undefined
  if (word === 'subscribed') return true
  if (word === 'unsubscribed') return false
  return readFlag(status, field) ?? true
}

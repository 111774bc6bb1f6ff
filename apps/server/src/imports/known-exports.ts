import type { ImportKind, ImportSource } from './imports.ts'

/** Where the columns of other products' exports go; names that are not here are guessed like any others. */
const known: Record<ImportSource, Partial<Record<ImportKind, Record<string, string>>>> = {
  vero: {
    people: {
      id: 'id',
      email: 'email',
      phone_number: 'phone',
      created_at: 'created_at',
      timezone: 'timezone',
      language: 'language',
      tags: 'tags',
      _tags: 'tags',
      unsubscribed: 'unsubscribed',
      vero_id: 'ignore',
    },
    events: { id: 'id', email: 'email', event_name: 'event', time: 'time' },
  },
  // As docs/guides/exports.md describes.
  fairway: {
    people: {
      personId: 'ignore',
      enteredAt: 'ignore',
      id: 'id',
      anonymousId: 'anonymous_id',
      aliases: 'aliases',
      email: 'email',
      phone: 'phone',
      timezone: 'timezone',
      language: 'language',
      tags: 'tags',
      topics: 'topics',
      devices: 'devices',
      subscribed: 'subscribed',
      suppressed: 'suppressed',
      suppressionReason: 'ignore',
      createdAt: 'created_at',
      updatedAt: 'updated_at',
      properties: 'properties',
      moreProperties: 'properties',
      written: 'written',
    },
    events: {
      id: 'event_id',
      name: 'event',
      personId: 'ignore',
      person: 'person',
      anonymousId: 'anonymous_id',
      email: 'email',
      source: 'ignore',
      occurredAt: 'time',
      receivedAt: 'ignore',
      properties: 'properties',
      moreProperties: 'properties',
    },
  },
}

export function knownTarget(source: ImportSource | null, kind: ImportKind, name: string): string | undefined {
  if (source === null) return undefined
  const names = known[source][kind] ?? {}
  const key = source === 'vero' ? name.toLowerCase() : name
  if (Object.hasOwn(names, key)) return names[key]
  // How a column is named in a Fairway export whose property is called like another column.
  return source === 'fairway' && name.startsWith('property:') ? name : undefined
}

import type { ImportKind, ImportSource } from './imports.ts'

/** Letters and digits alone, in lower case: what is left of a name however it is written. */
export const foldColumn = (name: string): string =>
  name
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')

type Names = Record<string, string>

interface Export {
  /** Folded names that all stand in such an export, and together in no other. Without them only people can tell. */
  shownBy?: string[]
  people: Names
  events?: Names
}

const name: Names = { firstname: 'property:first_name', lastname: 'property:last_name' }

/** Where the columns of other products' exports go, by their folded names; others are guessed like any column. */
const known: Record<Exclude<ImportSource, 'fairway'>, Export> = {
  vero: {
    people: {
      id: 'id',
      email: 'email',
      phonenumber: 'phone',
      createdat: 'created_at',
      timezone: 'timezone',
      language: 'language',
      tags: 'tags',
      unsubscribed: 'unsubscribed',
      veroid: 'ignore',
    },
    events: { id: 'id', email: 'email', eventname: 'event', time: 'time' },
  },
  customerio: {
    shownBy: ['cioid', 'email'],
    people: {
      id: 'id',
      email: 'email',
      cioid: 'ignore',
      createdat: 'created_at',
      unsubscribed: 'unsubscribed',
      timezone: 'timezone',
    },
  },
  google: {
    shownBy: ['firstname', 'email1value', 'labels'],
    people: {
      ...name,
      email1value: 'email',
      phone1value: 'phone',
      labels: 'tags',
      birthday: 'property:birthday',
    },
  },
  outlook: {
    shownBy: ['firstname', 'emailaddress', 'emaildisplayname'],
    people: {
      ...name,
      emailaddress: 'email',
      mobilephone: 'phone',
      birthday: 'property:birthday',
      categories: 'tags',
    },
  },
  mailchimp: {
    shownBy: ['emailaddress', 'leid', 'euid'],
    people: {
      ...name,
      emailaddress: 'email',
      phonenumber: 'phone',
      tags: 'tags',
      optintime: 'created_at',
      // Each of these stands only in the file of those whom it is about.
      unsubtime: 'unsubscribed',
      cleantime: 'suppressed',
      timezone: 'timezone',
      leid: 'ignore',
      euid: 'ignore',
    },
  },
  klaviyo: {
    shownBy: ['email', 'klaviyoid'],
    people: {
      ...name,
      email: 'email',
      externalid: 'id',
      klaviyoid: 'ignore',
      phonenumber: 'phone',
      timezone: 'timezone',
      locale: 'language',
      profilecreatedon: 'created_at',
      emailmarketingconsent: 'unsubscribed',
    },
  },
  hubspot: {
    shownBy: ['recordid', 'email', 'createdate'],
    people: {
      ...name,
      recordid: 'id',
      email: 'email',
      phonenumber: 'phone',
      createdate: 'created_at',
      timezone: 'timezone',
      preferredlanguage: 'language',
      unsubscribedfromallemail: 'unsubscribed',
    },
  },
}

/** As docs/guides/exports.md describes. */
const fairway: Partial<Record<ImportKind, Names>> = {
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
}

/** Whose export a file of these columns is, if it shows. */
export function sourceOf(names: string[]): ImportSource | null {
  const folded = new Set(names.map(foldColumn))
  for (const [source, { shownBy }] of Object.entries(known))
    if (shownBy?.every((one) => folded.has(one))) return source as ImportSource
  return null
}

export function knownTarget(
  source: ImportSource | null,
  kind: ImportKind,
  column: string,
): string | undefined {
  if (source === null) return undefined
  if (source === 'fairway') {
    const names = fairway[kind] ?? {}
    if (Object.hasOwn(names, column)) return names[column]
    // How a column is named in a Fairway export whose property is called like another column.
    return column.startsWith('property:') ? column : undefined
  }
  const names = known[source][kind === 'events' ? 'events' : 'people'] ?? {}
  const folded = foldColumn(column)
  const to = Object.hasOwn(names, folded) ? names[folded] : undefined
  // Of a list of people only who they are counts for the other kinds.
  return kind === 'people' || kind === 'events' || to === 'id' || to === 'email' ? to : undefined
}

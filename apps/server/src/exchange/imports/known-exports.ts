import type { ImportKind, ImportSource } from './kinds.ts'

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
const fairway: Record<'people' | 'events', Names> = {
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

/** Of an export of events or messages, who its rows are about: where people are wanted. */
const fairwayPeople: Names = {
  id: 'ignore',
  personId: 'ignore',
  person: 'id',
  anonymousId: 'anonymous_id',
  email: 'email',
  recipient: 'email',
}

/** Names that all stand in an export of Fairway's; together they stand in no other file. */
const fairwayShownBy = {
  people: ['personId', 'id', 'anonymousId', 'aliases', 'suppressionReason'],
  events: ['personId', 'person', 'id', 'source', 'occurredAt', 'receivedAt'],
  messages: ['personId', 'person', 'id', 'class', 'recipient', 'settledAt'],
}

const isOf = (what: keyof typeof fairwayShownBy, names: string[]): boolean =>
  fairwayShownBy[what].every((one) => names.includes(one))

export const isFairwayExport = (names: string[]): boolean =>
  isOf('people', names) || isOf('events', names) || isOf('messages', names)

/** Whose export a file of these columns is, if it shows. */
export function sourceOf(names: string[]): ImportSource | null {
  if (isFairwayExport(names)) return 'fairway'
  const folded = new Set(names.map(foldColumn))
  for (const [source, { shownBy }] of Object.entries(known))
    if (shownBy?.every((one) => folded.has(one))) return source as ImportSource
  return null
}

export function knownTarget(
  source: ImportSource | null,
  kind: ImportKind,
  column: string,
  /** Of all columns of the file. */
  names: string[],
): string | undefined {
  if (source === null) return undefined
  const to = source === 'fairway' ? fairwayTarget(kind, column, names) : targetOf(source, kind, column)
  // Of a list of people only who they are counts for the other kinds.
  return kind === 'people' || kind === 'events' || ['id', 'email', 'ignore'].includes(to ?? '')
    ? to
    : undefined
}

function fairwayTarget(kind: ImportKind, column: string, names: string[]): string | undefined {
  const targets =
    kind === 'events'
      ? fairway.events
      : isOf('events', names) || isOf('messages', names)
        ? fairwayPeople
        : fairway.people
  if (Object.hasOwn(targets, column)) return targets[column]
  // How a column is named in a Fairway export whose property is called like another column.
  return column.startsWith('property:') ? column : undefined
}

function targetOf(
  source: Exclude<ImportSource, 'fairway'>,
  kind: ImportKind,
  column: string,
): string | undefined {
  const names = known[source][kind === 'events' ? 'events' : 'people'] ?? {}
  const folded = foldColumn(column)
  return Object.hasOwn(names, folded) ? names[folded] : undefined
}

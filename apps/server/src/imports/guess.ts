import type { Json } from '@fairway/queue'
import { canonicalAddress } from '../email-address.ts'
import type { ImportKind, ImportSource } from './imports.ts'
import { parseJson } from './json.ts'
import { knownTarget } from './known-exports.ts'
import { rejectColumns } from './rejects.ts'
import { asBoolean, asDate, asNumber } from './values.ts'

/** What a value of the file is turned into. */
export const valueTypes = ['text', 'number', 'boolean', 'date', 'json'] as const
export type ValueType = (typeof valueTypes)[number]

/** Where a column's values go. */
export interface Target {
  to: string
  type?: ValueType
}

/** A column as the wizard shows it. */
export interface Column {
  name: string
  samples: string[]
  guess: Required<Target>
}

const longestSample = 200

/** By their usual names, letters and digits alone. The first column that fits is taken. */
const person: [to: string, names: RegExp][] = [
  ['id', /^(id|userid|customerid|externalid|uid|personid|profileid|contactid|subscriberid|uuid)$/],
  ['email', /^(user|customer|contact|person)?(e?mail|mailaddress|emailaddress)$/],
]
const targets: Record<ImportKind, [to: string, names: RegExp][]> = {
  people: [
    ...person,
    ['phone', /^(phone|phonenumber|mobile|mobilenumber|mobilephone|cell|cellphone|tel|telephone)$/],
    ['timezone', /^(timezone|tz|ianatimezone)$/],
    ['language', /^(language|locale|lang)$/],
    [
      'created_at',
      /^(created|createdat|createdon|datecreated|createddate|signupdate|signedupat|registeredat|joinedat)$/,
    ],
    ['tags', /^(tags|tag|labels)$/],
    ['topics', /^topics$/],
    ['suppressed', /^suppressed$/],
    ['subscribed', /^(subscribed|issubscribed|optin|optedin|acceptsmarketing|emailoptin)$/],
    ['unsubscribed', /^(unsubscribed|isunsubscribed|optout|optedout|emailoptout)$/],
    ['properties', /^(properties|traits|attributes)$/],
  ],
  events: [
    ...person.map(([to, names]) =>
      to === 'id'
        ? ([to, /^(userid|customerid|externalid|uid|personid|profileid|contactid|identity)$/] as [
            string,
            RegExp,
          ])
        : ([to, names] as [string, RegExp]),
    ),
    ['event', /^(event|eventname|name|action|activity|eventtype)$/],
    ['time', /^(time|timestamp|occurredat|eventtime|datetime|date|happenedat|createdat)$/],
    ['event_id', /^(eventid|messageid|id)$/],
    ['properties', /^(properties|data|eventdata|eventproperties|attributes)$/],
  ],
  suppressions: person,
  unsubscribes: person,
  tags: [...person, ['tags', /^(tags|tag|labels)$/]],
  segment: person,
}

/** Guesses where each column goes, by its name and by what is in it. */
export function guessColumns(
  kind: ImportKind,
  names: string[],
  rows: (Json | undefined)[][],
  source: ImportSource | null,
): Column[] {
  const taken = new Set<string>()
  const columns = names.map((name, index) => {
    const values = rows.map((row) => row[index]).filter((value) => !isEmpty(value)) as Json[]
    return { name, values, to: knownTarget(source, kind, name) }
  })
  for (const { to } of columns) if (to !== undefined) taken.add(to)
  const take = (column: (typeof columns)[number] | undefined, to: string) => {
    if (!column || taken.has(to)) return
    column.to = to
    taken.add(to)
  }
  for (const [to, pattern] of targets[kind])
    take(
      columns.find((column) => column.to === undefined && pattern.test(fold(column.name))),
      to,
    )
  take(
    columns.find(
      ({ to, values }) => to === undefined && mostAre(values, (text) => canonicalAddress(text) !== undefined),
    ),
    'email',
  )
  return columns.map(({ name, values, to }) => ({
    name,
    samples: values.slice(0, 5).map((value) => show(value).slice(0, longestSample)),
    guess: { to: to ?? fallback(kind, name), type: isProperty(to) ? guessType(values) : typeFor(to) },
  }))
}

const isProperty = (to: string | undefined): to is undefined => to?.startsWith('property:') ?? true

const fold = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')

const fallback = (kind: ImportKind, name: string) =>
  (kind === 'people' || kind === 'events') && !rejectColumns.includes(name) ? `property:${name}` : 'ignore'

/** Fields of a person or an event have a type of their own. */
function typeFor(to: string): ValueType {
  if (to === 'time' || to === 'created_at') return 'date'
  if (to === 'properties' || to === 'topics' || to === 'devices' || to === 'aliases' || to === 'written')
    return 'json'
  return to === 'subscribed' || to === 'unsubscribed' || to === 'suppressed' ? 'boolean' : 'text'
}

function guessType(values: Json[]): ValueType {
  if (values.length === 0) return 'text'
  if (values.every((value) => typeof value === 'object')) return 'json'
  const all = (test: (value: Json) => boolean) => values.every(test)
  if (
    all(
      (value) =>
        typeof value === 'boolean' || (typeof value === 'string' && /^(true|false|yes|no)$/i.test(value)),
    )
  )
    return all((value) => asBoolean(value) !== undefined) ? 'boolean' : 'text'
  // A leading zero or plus says that it is no quantity.
  if (all((value) => asNumber(value, {}) !== undefined && !/^\s*(0\d|\+)/.test(String(value))))
    return 'number'
  if (all((value) => typeof value === 'string' && /\d\D\d/.test(value) && asDate(value, {}) !== undefined))
    return 'date'
  return all((value) => typeof value === 'string' && isJson(value)) ? 'json' : 'text'
}

function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    parseJson(text)
    return true
  } catch {
    return false
  }
}

const mostAre = (values: Json[], test: (text: string) => boolean) =>
  values.length > 0 &&
  values.filter((value) => typeof value === 'string' && test(value)).length >= values.length * 0.8

export const isEmpty = (value: Json | undefined): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '')

export const show = (value: Json | undefined): string =>
  value === undefined || value === null
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)

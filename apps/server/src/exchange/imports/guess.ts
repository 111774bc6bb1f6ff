import type { Json } from '@fairway/queue'
import { addressKey, canonicalAddress } from '../../platform/email-address.ts'
import type { Column, ValueType } from './columns.ts'
import { show } from './columns.ts'
import { dateOrder, haveShortYears } from './date-order.ts'
import { guessConsent, rejectingWarning } from './guess-consent.ts'
import { parseJson } from './json.ts'
import type { ImportKind, ImportSource } from './kinds.ts'
import { foldColumn, knownTarget } from './known-exports.ts'
import { rejectColumns } from './rejects.ts'
import { isShared } from './targets.ts'
import { asBoolean, asDate, asNumber, type DateOrder, hasExponent, isSerial } from './values.ts'

const maxSampleLength = 200

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

interface Guesses {
  kind: ImportKind
  source: ImportSource | null
  /** Properties that the project has, the latest first, and the types of their values. */
  properties: Map<string, string[]>
}

interface OpenColumn {
  name: string
  /** Those that are not empty. */
  values: Json[]
  to: string | undefined
  warning?: string
}

export interface Guess {
  columns: Column[]
  /** Which part comes first in dates like 31/12/2026, if that shows. */
  dates: DateOrder | undefined
}

/** Guesses where each column goes, by its name and by what is in it. */
export function guessColumns(
  { kind, source, properties }: Guesses,
  names: string[],
  rows: (Json | undefined)[][],
): Guess {
  const taken = new Set<string>()
  const columns = names.map((name, index): OpenColumn => {
    const values = rows.map((row) => row[index]).filter((value) => !isEmpty(value)) as Json[]
    return { name, values, to: undefined }
  })
  const take = (column: OpenColumn | undefined, to: string) => {
    if (!column || (taken.has(to) && !isShared(to))) return
    column.to = to
    taken.add(to)
  }
  for (const column of columns) {
    const to = knownTarget(source, kind, column.name, names)
    if (to !== undefined) take(column, to)
  }
  for (const [to, pattern] of targets[kind])
    take(
      columns.find((column) => column.to === undefined && pattern.test(foldColumn(column.name))),
      to,
    )
  take(
    columns.find(
      ({ to, values }) => to === undefined && mostAre(values, (text) => canonicalAddress(text) !== undefined),
    ),
    'email',
  )
  // In an export of Fairway's, consent has its own columns.
  if (kind === 'people' && source !== 'fairway') takeConsent(columns, properties, take)
  if (kind === 'people' || kind === 'events') meetProperties(columns, [...properties.keys()], source)
  warnOfIds(kind, columns, rows)
  if (kind === 'people' && source === null) takeKnownNames(columns)
  const used = new Set(columns.flatMap(({ to }) => to ?? []))
  const { orders, dates } = ordersIn(columns)
  return {
    dates,
    columns: columns.map(({ name, values, to: taken, warning }, index) => {
      const to = taken ?? fallback(kind, name, used)
      const wasText = source === 'fairway' && isText(properties.get(to.slice('property:'.length)))
      const isOpen = isProperty(to) && !wasText
      const order = wasText ? undefined : orders[index]
      const type =
        isOpen && order && dates ? 'date' : isOpen || !isProperty(to) ? typeOf(taken, name, values) : 'text'
      const doubt = warning ?? (wasText ? undefined : doubtOfDates(to, values, order, dates))
      return {
        name,
        samples: values.slice(0, 5).map((value) => show(value).slice(0, maxSampleLength)),
        guess: { to, type },
        ...(isOpen && order && !dates && { mayBeDates: true as const }),
        ...(doubt !== undefined && { warning: doubt }),
      }
    }),
  }
}

const isTimeTarget = (to: string | undefined) => to === 'time' || to === 'created_at' || to === 'updated_at'

/** One order for the whole file; none where two columns tell two. */
function ordersIn(columns: OpenColumn[]) {
  const orders = columns.map(({ to, values }) =>
    isProperty(to) || isTimeTarget(to) ? dateOrder(values) : undefined,
  )
  const told = new Set(orders.filter((order) => order === 'day_first' || order === 'month_first'))
  return { orders, dates: told.size === 1 ? [...told][0] : undefined }
}

function doubtOfDates(
  to: string,
  values: Json[],
  order: ReturnType<typeof dateOrder>,
  dates: DateOrder | undefined,
): string | undefined {
  if (order && !dates) {
    const until = isTimeTarget(to) ? 'until then its rows are rejected' : 'until then it is a text'
    return `looks like dates: which comes first, day or month? Choose it at “Dates like 3/4/2026” (\`dates\`); ${until}`
  }
  return isProperty(to) && haveShortYears(values)
    ? 'looks like dates with years of two digits, which are taken as texts: write years with four digits to have dates'
    : undefined
}

/** What people should know of a column that goes to an id. */
function warnOfIds(kind: ImportKind, columns: OpenColumn[], rows: (Json | undefined)[][]): void {
  for (const column of columns)
    if (column.to === 'event_id' && foldColumn(column.name) === 'id')
      column.warning ??=
        'is taken as the id of the event, so that the same event is stored once. If it says whose the event is, let it go to the person’s id'
  const [id, email] = ['id', 'email'].map((to) => columns.findIndex((column) => column.to === to))
  if (kind === 'events' || id === -1 || email === -1) return
  const addresses = new Map<string, Set<string>>()
  for (const row of rows) {
    const [name, address] = [row[id!], row[email!]]
    if (isEmpty(name) || typeof address !== 'string' || canonicalAddress(address) === undefined) continue
    const key = show(name).trim()
    addresses.set(key, (addresses.get(key) ?? new Set()).add(addressKey(canonicalAddress(address)!)))
  }
  const shared = [...addresses.values()].filter(({ size }) => size > 1).length
  if (shared > 0)
    columns[id!]!.warning ??=
      `has ${shared === 1 ? 'an id that comes' : `${shared} ids that come`} with several addresses in the first rows: all rows with one id become one person, who keeps one of the addresses`
}

/** What spreadsheets call the properties that templates know by another name. */
const knownNames = new Map(
  'first_name last_name full_name middle_name display_name company_name job_title postal_code zip_code street_address birth_date date_of_birth'
    .split(' ')
    .map((name) => [foldColumn(name), name]),
)

/** `First name` becomes `first_name`, where nothing of that name is there; `firstName` was meant so. */
function takeKnownNames(columns: OpenColumn[]): void {
  const names = new Set(columns.map(({ name }) => name))
  const used = new Set(columns.flatMap(({ to }) => to ?? []))
  for (const column of columns) {
    const known = knownNames.get(foldColumn(column.name))
    if (column.to !== undefined || known === undefined || /[a-z][A-Z]/.test(column.name)) continue
    if (names.has(known) || used.has(`property:${known}`)) continue
    column.to = `property:${known}`
    used.add(column.to)
  }
}

/** A date is a text as well. */
const isText = (types: string[] = []) =>
  types.length > 0 && types.every((type) => type === 'text' || type === 'date')

/** Columns that say who wants mail. */
function takeConsent(
  columns: OpenColumn[],
  properties: Map<string, string[]>,
  take: (column: OpenColumn, to: string) => void,
): void {
  const folded = new Set([...properties.keys()].map(foldColumn))
  const open = columns.filter(({ name, to }) => to === undefined && !rejectColumns.includes(name))
  const guesses = guessConsent(
    open.map(({ name, values }) => ({ name, values, isProperty: folded.has(foldColumn(name)) })),
  )
  for (const [index, { to, warning }] of guesses.entries()) {
    const column = open[index]!
    if (to !== undefined) take(column, to)
    column.warning = warning
  }
  for (const column of columns) column.warning ??= rejectingWarning(column.to ?? '', column.values)
}

/** Columns that are called like a property that is there go to it, whatever their case, spaces and underscores. */
function meetProperties(
  columns: { name: string; to: string | undefined }[],
  properties: string[],
  source: ImportSource | null,
): void {
  const byFold = new Map<string, string>()
  for (const property of properties) {
    const folded = foldColumn(property)
    if (folded !== '' && !byFold.has(folded)) byFold.set(folded, property)
  }
  const named = new Set(properties)
  const taken = new Set<string>()
  const nameOf = ({ name, to }: { name: string; to: string | undefined }) =>
    to?.slice('property:'.length) ?? name
  const open = columns.filter((column) => isProperty(column.to) && !rejectColumns.includes(column.name))
  // Those that are called just so come first; the names of a Fairway export are meant as they are.
  for (const exactly of source === 'fairway' ? [true] : [true, false])
    for (const column of open) {
      const name = nameOf(column)
      const property = named.has(name) ? name : exactly ? undefined : byFold.get(foldColumn(name))
      if (property === undefined || taken.has(property) || (exactly && taken.has(name))) continue
      column.to = `property:${property}`
      taken.add(property)
    }
}

const isProperty = (to: string | undefined): to is undefined => to?.startsWith('property:') ?? true

/** A property of the column's name, unless another column goes there. */
function fallback(kind: ImportKind, name: string, used: Set<string>): string {
  if ((kind !== 'people' && kind !== 'events') || rejectColumns.includes(name)) return 'ignore'
  return used.has(`property:${name}`) ? `property:${name} (column)` : `property:${name}`
}

function typeOf(to: string | undefined, name: string, values: Json[]): ValueType {
  if (isProperty(to)) return guessType(name, values)
  const type = typeFor(to)
  return type === 'date' && values.length > 0 && values.every(isSerial) ? 'serial_date' : type
}

/** Fields of a person or an event have a type of their own. */
function typeFor(to: string): ValueType {
  if (isTimeTarget(to)) return 'date'
  if (to === 'properties' || to === 'topics' || to === 'devices' || to === 'aliases' || to === 'written')
    return 'json'
  return to === 'subscribed' || to === 'unsubscribed' || to === 'suppressed' ? 'boolean' : 'text'
}

/** What a column of dates is called, in letters and digits alone. */
const dateName =
  /date|birthday|birth$|^dob$|^at$|(created|updated|signed|joined|seen|changed|modified|since)(at|on)?$/

function guessType(name: string, values: Json[]): ValueType {
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
  if (dateName.test(foldColumn(name))) {
    if (all(isSerial)) return 'serial_date'
    if (all((value) => asDate(value, {}) !== undefined)) return 'date'
  }
  if (all(isQuantity)) return 'number'
  if (all((value) => typeof value === 'string' && /\d\D\d/.test(value) && asDate(value, {}) !== undefined))
    return 'date'
  return all((value) => typeof value === 'string' && isJson(value)) ? 'json' : 'text'
}

/** A leading zero or plus says that it is none, and `1E5` is rather a code than a hundred thousand. */
const isQuantity = (value: Json) =>
  asNumber(value, {}) !== undefined && !/^\s*(0\d|\+)/.test(String(value)) && !hasExponent(value)

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

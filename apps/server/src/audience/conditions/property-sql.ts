import type { Parameters } from './parameters.ts'
import type { ScalarValue } from './parts/scalar.ts'
import { readNumber } from './values.ts'

/**
 * How SQL reads properties; the counterpart of `values.ts`. Written out with operators of PostgreSQL: a call of one of our
 * own functions (`condition_instant`) costs ten times as much a row as these, and is kept for what is rare.
 */

/** A property inside the jsonb expression `properties`; the counterpart of `readProperty`. */
export function propertySql(properties: string, name: string, parameters: Parameters): string {
  const place = parameters.add(name, 'text')
  if (!name.includes('.')) return `(${properties} -> ${place})`
  const path = name.split('.').map((part) => ` -> ${parameters.add(part, 'text')}`)
  return `(case when ${properties} ? ${place} then ${properties} -> ${place} else ${properties}${path.join('')} end)`
}

/** Every JSON value that is the same as one of `scalars`; the counterpart of `sameValue`. */
export function oneOfSql(value: string, scalars: readonly ScalarValue[], parameters: Parameters): string {
  const same = new Set<string>()
  const numbers: number[] = []
  for (const scalar of scalars) {
    for (const form of formsOf(scalar)) same.add(form)
    if (typeof scalar === 'number') numbers.push(scalar)
  }
  const [first, ...others] = same
  const is =
    others.length === 0
      ? `coalesce(${value} = ${parameters.add(first, 'jsonb')}, false)`
      : `coalesce(${value} = any(${parameters.add([...same], 'jsonb[]')}), false)`
  if (numbers.length === 0) return is
  // Text may say the number in other ways: "5.0".
  const asNumber = numberOfText(value, `= any(${parameters.add(numbers, 'float8[]')})`)
  return `(${is} or case when jsonb_typeof(${value}) = 'string' then ${asNumber} else false end)`
}

/** Whether a list has an element that is the same as one of `scalars`. `read`: what of an element is compared. */
export const anyElementSql = (
  list: string,
  read: (element: string) => string,
  scalars: readonly ScalarValue[],
  parameters: Parameters,
): string =>
  `exists (select from jsonb_array_elements(${list}) as element (value) where ${oneOfSql(read('element.value'), scalars, parameters)})`

/** Whether for each of `scalars` a list has an element that is the same; by hash, because both may be long. */
export function everyElementSql(
  list: string,
  read: (element: string) => string,
  scalars: readonly ScalarValue[],
  parameters: Parameters,
): string {
  const found = (key: string, keys: [place: number, key: unknown][], type: string) =>
    `select wanted.place from jsonb_array_elements(${list}) as element (value)
     join unnest(${parameters.add(
       keys.map(([place]) => place),
       'integer[]',
     )}, ${parameters.add(
       keys.map(([, key]) => key),
       `${type}[]`,
     )}) as wanted (place, key) on ${key} = wanted.key`
  const element = read('element.value')
  const forms = scalars.flatMap((scalar, place) =>
    formsOf(scalar).map((form): [number, string] => [place, form]),
  )
  const numbers = scalars.flatMap((scalar, place): [number, number][] =>
    typeof scalar === 'number' ? [[place, scalar]] : [],
  )
  const selects = [found(element, forms, 'jsonb')]
  if (numbers.length > 0) selects.push(found(numberOfTextSql(element), numbers, 'float8'))
  return `(select count(distinct place) from (${selects.join(' union all ')}) as found) = ${scalars.length}`
}

/** Null for what is no text that says a number. */
const numberOfTextSql = (value: string) =>
  `(case when jsonb_typeof(${value}) = 'string' then case when ${saysNumber(value)} then (${value} #>> '{}')::float8 end end)`

/** As JSON; of a number, texts that say it in other ways are not among them. */
function formsOf(scalar: ScalarValue): string[] {
  const forms = [JSON.stringify(scalar)]
  if (typeof scalar === 'boolean') forms.push(JSON.stringify(String(scalar)))
  if (scalar === 'true' || scalar === 'false') forms.push(scalar)
  const number = typeof scalar === 'string' ? readNumber(scalar) : undefined
  if (number !== undefined) forms.push(JSON.stringify(number))
  return forms
}

const numberOfText = (value: string, comparison: string) =>
  `case when ${saysNumber(value)} then (${value} #>> '{}')::float8 ${comparison} else false end`

const saysNumber = (text: string) => `(${text} #>> '{}') ~ '^-?[0-9]{1,15}(\\.[0-9]{1,15})?$'`

/** The counterpart of `readNumber`: float8, or null. */
export const numberSql = (value: string): string =>
  `(case when jsonb_typeof(${value}) = 'number' then (${value})::float8 else ${numberOfTextSql(value)} end)`

/** Whether it is a number, or text that says one, and compares so. */
export const numberTestSql = (value: string, comparison: string): string =>
  `case jsonb_typeof(${value}) when 'number' then (${value})::float8 ${comparison}
      when 'string' then ${numberOfText(value, comparison)} else false end`

/** What nearly every program writes, and PostgreSQL reads alike; days beyond the 28th may not exist in their month. */
const plainInstant =
  "'^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?Z$'"

/** The counterpart of `readInstant`. */
export const instantSql = (value: string): string =>
  `(case when jsonb_typeof(${value}) = 'string' and (${value} #>> '{}') ~ ${plainInstant}
     then (${value} #>> '{}')::timestamptz else condition_instant(${value}) end)`

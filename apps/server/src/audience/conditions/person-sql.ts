import { addressKeySql } from '../people/address-sql.ts'
import { isRelative, type PersonCondition, resolveRelative } from './language.ts'
import type { Parameters } from './parameters.ts'
import { personTests } from './person-property.ts'
import { instantSql, propertySql, testSql } from './property-sql.ts'
import { readInstant } from './values.ts'

const createdAt = "date_trunc('milliseconds', p.created_at)"

/** The jsonb expressions of built-in fields of a person `p`. */
const builtIns = new Map([
  ['id', 'to_jsonb(p.external_id)'],
  ['email', `to_jsonb(${addressKeySql('p')})`],
  ['phone', 'to_jsonb(p.phone)'],
  ['timezone', 'to_jsonb(p.timezone)'],
  ['language', 'to_jsonb(p.language)'],
  ['created_at', `to_jsonb(to_char(p.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`],
])

/** A property of the person `p` as jsonb; the counterpart of `personProperty`. */
export const personSql = (name: string, parameters: Parameters): string =>
  builtIns.get(name) ?? propertySql('p.properties', name, parameters)

/** As a timestamptz; null unless it is one. */
export const personInstantSql = (name: string, parameters: Parameters): string =>
  name === 'created_at' ? createdAt : instantSql(personSql(name, parameters))

export function personTestSql(condition: PersonCondition, now: Date, parameters: Parameters): string {
  const { person, operator, value } = condition
  const isTime = typeof value === 'string' || isRelative(value)
  if (person === 'created_at' && isTime && ['>', '>=', '<', '<='].includes(operator)) {
    const bound = isRelative(value) ? resolveRelative(value, now) : readInstant(value)!
    return `(${createdAt} ${operator} ${parameters.add(new Date(bound), 'timestamptz')})`
  }
  const { tests, every } = personTests(condition)
  const found = personSql(person, parameters)
  const terms = tests.map((test) => testSql(found, test, now, parameters))
  return terms.length === 1 ? terms[0]! : `(${terms.join(every ? ' and ' : ' or ')})`
}

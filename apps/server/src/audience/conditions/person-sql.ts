import { addressKeySql } from '../people/address-sql.ts'
import type { Parameters } from './parameters.ts'
import { instantSql, propertySql } from './property-sql.ts'

export const createdAtSql = "date_trunc('milliseconds', p.created_at)"

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
  name === 'created_at' ? createdAtSql : instantSql(personSql(name, parameters))

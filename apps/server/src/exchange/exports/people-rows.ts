import { ConditionCompiler } from '../../audience/conditions/condition-sql.ts'
import type { Condition } from '../../audience/conditions/language.ts'
import type { Parameters } from '../../audience/conditions/parameters.ts'
import type { Zones } from '../../audience/conditions/zones.ts'
import { addressKeySql } from '../../audience/people/address-sql.ts'
import {
  type Column,
  jsonColumn,
  plainColumn,
  type RowSource,
  textColumn,
  timeColumn,
  wordColumn,
} from './row-source.ts'

/** Every column of `docs/guides/exports.md`, "People". `written` is for Fairway to read, not for spreadsheets. */
const columns = (format: 'csv' | 'ndjson', isSegment: boolean): Column[] => [
  plainColumn('personId', 'r.id'),
  ...(isSegment ? [timeColumn('enteredAt', 'r.entered_at')] : []),
  textColumn('id', 'r.external_id'),
  textColumn('anonymousId', 'r.anonymous_id'),
  jsonColumn('aliases', aliases),
  textColumn('email', 'r.email'),
  textColumn('phone', 'r.phone'),
  textColumn('timezone', 'r.timezone'),
  textColumn('language', 'r.language'),
  jsonColumn('tags', 'to_json(r.tags)'),
  jsonColumn('topics', 'r.topics'),
  jsonColumn('devices', 'r.channels'),
  plainColumn('subscribed', 'r.subscribed'),
  plainColumn('suppressed', `r.suppressed or s.reason is not null`),
  wordColumn('suppressionReason', `coalesce(s.reason, case when r.suppressed then 'api' end)`),
  timeColumn('createdAt', 'r.created_at'),
  timeColumn('updatedAt', 'r.updated_at'),
  ...(format === 'ndjson'
    ? [jsonColumn('properties', 'r.properties'), jsonColumn('written', 'r.written')]
    : []),
]

const aliases = `(select coalesce(json_agg(
    case kind when 'anonymous' then json_build_object('anonymousId', alias) else json_build_object('id', alias) end
    order by created_at, kind, alias), '[]')
  from person_aliases a where a.project_id = r.project_id and a.person_id = r.id)`

const suppression = `left join lateral (
  select reason from suppressions where project_id = r.project_id and address = ${addressKeySql('r')} collate "default" limit 1) as s on true`

export interface PeopleFilter {
  projectId: number
  /** The newest person when the export began. */
  until: number
  /** Segments in it are expanded. */
  conditions: Condition | null
  zones: Zones | undefined
  /** The moment that conditions speak of. */
  at: Date
}

/** In the order in which Fairway first met them. Conditions are evaluated for the people of a page, by index. */
export const peopleRows = (format: 'csv' | 'ndjson', filter: PeopleFilter): RowSource => ({
  columns: columns(format, false),
  properties: 'r.properties',
  page: (parameters, after, limit) =>
    `select p.*, p.id::text as key, ${holds(parameters, filter)} as wanted from people p
     where p.project_id = ${parameters.add(filter.projectId, 'integer')}
       and p.id > ${parameters.add(after ?? '0', 'bigint')} and p.id <= ${parameters.add(filter.until, 'bigint')}
     order by p.id limit ${limit}`,
  joined: suppression,
})

/** The members of a segment, in the order of people. */
export const memberRows = (
  format: 'csv' | 'ndjson',
  { segment, ...filter }: PeopleFilter & { segment: number },
): RowSource => ({
  columns: columns(format, true),
  properties: 'r.properties',
  page: (parameters, after, limit) =>
    `select p.*, m.entered_at, m.person_id::text as key,
       p.id is not null and ${holds(parameters, filter)} as wanted
     from (select project_id, person_id, entered_at from segment_members
           where project_id = ${parameters.add(filter.projectId, 'integer')}
             and segment_id = ${parameters.add(segment, 'integer')}
             and person_id > ${parameters.add(after ?? '0', 'bigint')}
             and person_id <= ${parameters.add(filter.until, 'bigint')}
           order by person_id limit ${limit}) as m
     left join lateral (select * from people where project_id = m.project_id and id = m.person_id limit 1) as p on true`,
  joined: suppression,
})

const holds = (parameters: Parameters, { projectId, conditions, zones, at }: PeopleFilter): string =>
  conditions === null
    ? 'true'
    : new ConditionCompiler(projectId, at, 'probes', { parameters, zones }).compile(conditions)

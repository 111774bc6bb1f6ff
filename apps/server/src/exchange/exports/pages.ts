import type { Pool } from 'pg'
import { Parameters } from '../../audience/conditions/parameters.ts'
import type { Column, RowSource } from './row-source.ts'

/** How rows become lines. */
export type Layout =
  | { format: 'ndjson' }
  | {
      format: 'csv'
      guardFormulas: boolean
      /** Properties that have a column of their own. */
      names: string[]
      /** There are more: a last column holds them. */
      more: boolean
    }

export interface Page {
  /** Rows looked at: fewer than the limit, and no more bytes than allowed, is the end. */
  examined: number
  /** Of them, in the file. */
  rows: number
  /** Their lines. */
  text: string
  /** Where the next page begins; null for an empty one. */
  last: string | null
}

/**
 * The lines of the next page, made by PostgreSQL and handed over as one text: this process, which also serves requests,
 * neither parses nor builds rows. Ends early behind the row that reaches `maxBytes`. (No step of it
 * sorts: the page's order lasts to the end. Without `offset 0`, each line would be made twice, once for its length.)
 */
export async function readPage(
  pool: Pool,
  source: RowSource,
  layout: Layout,
  { after, limit, maxBytes }: { after: string | null; limit: number; maxBytes: number },
): Promise<Page> {
  const parameters = new Parameters()
  const line = layout.format === 'csv' ? csvLine(source, layout, parameters) : jsonLine(source.columns)
  const { rows } = await pool.query<Page>(
    `select count(*)::integer as examined, (count(*) filter (where wanted))::integer as rows,
       coalesce(string_agg(line, ''), '') as text, (array_agg(key))[count(*)] as last
     from (
       select key, wanted, line,
         sum(coalesce(octet_length(line), 0)) over (rows between unbounded preceding and 1 preceding) as before
       from (select r.key, r.wanted, case when r.wanted then ${line} end as line
             from (${source.page(parameters, after, limit)}) as r ${source.joined}
             offset 0) as lines) as sized
     where before is null or before < ${parameters.add(maxBytes, 'bigint')}`,
    parameters.values,
  )
  return rows[0]!
}

export interface Survey {
  examined: number
  rows: number
  last: string | null
  /** Of the properties, where they were asked for. */
  names: string[]
}

/** Counts the next page, and learns which properties its rows have. */
export async function surveyPage(
  pool: Pool,
  source: RowSource,
  { after, limit, withNames }: { after: string | null; limit: number; withNames: boolean },
): Promise<Survey> {
  const parameters = new Parameters()
  const names = 'array(select distinct jsonb_object_keys(properties) from page where wanted)'
  const { rows } = await pool.query<Survey>(
    `with page as materialized (
       select r.key, r.wanted ${withNames ? `, ${source.properties} as properties` : ''}
       from (${source.page(parameters, after, limit)}) as r)
     select count(*)::integer as examined, (count(*) filter (where wanted))::integer as rows,
       (array_agg(key))[count(*)] as last,
       ${withNames ? names : `'{}'::text[]`} as names
     from page`,
    parameters.values,
  )
  return rows[0]!
}

const jsonLine = (columns: Column[]): string =>
  `'{' || ${columns.map(({ name, json }) => `'"${name}":' || ${json}`).join(` || ',' || `)} || E'}\\n'`

function csvLine(
  source: RowSource,
  { guardFormulas, names, more }: Extract<Layout, { format: 'csv' }>,
  parameters: Parameters,
): string {
  const cells = source.columns.map(({ text, foreign }) => cell(text, foreign && guardFormulas))
  for (const name of names)
    cells.push(cell(`(${source.properties}) ->> ${parameters.add(name, 'text')}`, guardFormulas))
  if (more) cells.push(cell(`((${source.properties}) - ${parameters.add(names, 'text[]')})::text`, false))
  return `array_to_string(array[${cells.join(', ')}], ',', '') || E'\\r\\n'`
}

/** Quoted, or nothing for null. */
const cell = (text: string, guarded: boolean) =>
  `'"' || replace(${guarded ? `guard_formula(${text})` : text}, '"', '""') || '"'`

import type { Pool } from 'pg'
import { type Column, type RowSource, Values } from './row-source.ts'

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
  last: string[] | null
}

/**
 * The lines of the next page, made by PostgreSQL and handed over as one text: this process, which also serves requests,
 * neither parses nor builds rows. Ends early behind the row that reaches `mostBytes`.
 */
export async function readPage(
  pool: Pool,
  source: RowSource,
  layout: Layout,
  { after, limit, mostBytes }: { after: string[] | null; limit: number; mostBytes: number },
): Promise<Page> {
  const values = new Values()
  const line = layout.format === 'csv' ? csvLine(source, layout, values) : jsonLine(source.columns)
  const { rows } = await pool.query<Page>(
    `with sized as materialized (
       select key, wanted, line, row_number() over () as place,
         sum(coalesce(octet_length(line), 0)) over (rows between unbounded preceding and 1 preceding) as before
       from (select r.key, r.wanted, case when r.wanted then ${line} end as line
             from (${source.page(values, after, limit)}) as r ${source.joined}) as lines),
     taken as (select * from sized where before is null or before < ${values.add(mostBytes, 'bigint')})
     select count(*)::integer as examined, (count(*) filter (where wanted))::integer as rows,
       coalesce(string_agg(line, '' order by place), '') as text,
       (select key from taken order by place desc limit 1) as last
     from taken`,
    values.list,
  )
  return rows[0]!
}

export interface Survey {
  examined: number
  rows: number
  last: string[] | null
  /** Of the properties, where they were asked for. */
  names: string[]
}

/** Counts the next page, and learns which properties its rows have. */
export async function surveyPage(
  pool: Pool,
  source: RowSource,
  { after, limit, withNames }: { after: string[] | null; limit: number; withNames: boolean },
): Promise<Survey> {
  const values = new Values()
  const names = `(select array_agg(distinct name)
    from page, jsonb_object_keys(page.properties) as name where wanted)`
  const { rows } = await pool.query<Survey>(
    `with page as materialized (
       select r.key, r.wanted, row_number() over () as place ${withNames ? `, ${source.properties} as properties` : ''}
       from (${source.page(values, after, limit)}) as r)
     select count(*)::integer as examined, (count(*) filter (where wanted))::integer as rows,
       (select key from page order by place desc limit 1) as last,
       coalesce(${withNames ? names : 'null::text[]'}, '{}') as names
     from page`,
    values.list,
  )
  return rows[0]!
}

const jsonLine = (columns: Column[]): string =>
  `'{' || ${columns.map(({ name, json }) => `'"${name}":' || ${json}`).join(` || ',' || `)} || E'}\\n'`

function csvLine(
  source: RowSource,
  { guardFormulas, names, more }: Extract<Layout, { format: 'csv' }>,
  values: Values,
): string {
  const cells = source.columns.map(({ text, foreign }) => cell(text, foreign && guardFormulas))
  for (const name of names)
    cells.push(cell(`(${source.properties}) ->> ${values.add(name, 'text')}`, guardFormulas))
  if (more) cells.push(cell(`((${source.properties}) - ${values.add(names, 'text[]')})::text`, false))
  return `array_to_string(array[${cells.join(', ')}], ',', '') || E'\\r\\n'`
}

const cell = (text: string, guarded: boolean) => `export_cell(${text}, ${guarded})`

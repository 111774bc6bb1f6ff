import type { Parameters } from '../../audience/conditions/parameters.ts'

/** One field of an exported row; its place in the list is its place in the file. */
export interface Column {
  name: string
  /** SQL of its value as text, null for nothing. */
  text: string
  /** SQL of its value as JSON text, never null. */
  json: string
  /** The text comes from outside: in a CSV it may have to be kept from looking like a formula. */
  foreign: boolean
}

/** What kind of rows a file is made of, as SQL. Its pages are read by place, one after the other. */
export interface RowSource {
  columns: Column[]
  /** SQL of the jsonb object whose members become columns of a CSV. */
  properties: string
  /**
   * SQL of the next `limit` rows behind the place `after` (null: the first), in order. Each has its place as the text `key`
   * and `wanted`: whether it belongs into the file.
   */
  page(parameters: Parameters, after: string | null, limit: number): string
  /** Joined to a page, one row to one row, so that its order stays: `left join lateral (… limit 1)`. */
  joined: string
}

/** Text from outside. */
export const textColumn = (name: string, sql: string): Column => ({
  name,
  text: sql,
  json: `coalesce(to_json(${sql})::text, 'null')`,
  foreign: true,
})

/** A number or a truth. */
export const plainColumn = (name: string, sql: string): Column => ({
  name,
  text: `(${sql})::text`,
  json: `coalesce((${sql})::text, 'null')`,
  foreign: false,
})

/** One of Fairway's own words or ids. */
export const wordColumn = (name: string, sql: string): Column => ({
  ...textColumn(name, `(${sql})::text`),
  foreign: false,
})

export const timeColumn = (name: string, sql: string): Column => wordColumn(name, `export_time(${sql})`)

/** A jsonb value that is an array or an object. */
export const jsonColumn = (name: string, sql: string): Column => ({
  name,
  text: `(${sql})::text`,
  json: `coalesce((${sql})::text, 'null')`,
  foreign: false,
})

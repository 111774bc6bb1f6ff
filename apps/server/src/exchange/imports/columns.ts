import type { Json } from '@fairway/queue'
/** What a value of the file is turned into. */
export const valueTypes = ['text', 'number', 'boolean', 'date', 'serial_date', 'json'] as const

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
  /** Looks like dates of which nobody knows whether day or month comes first: a text until `options.dates` says it. */
  mayBeDates?: true
  /** Why the guess should be looked at. Values are not named in it: erasing somebody leaves it. */
  warning?: string
}

/** Where it goes without being told, with these options. */
export const guessOf = (
  { guess, mayBeDates }: Pick<Column, 'guess' | 'mayBeDates'>,
  { dates }: { dates?: unknown },
): Required<Target> => (mayBeDates && dates !== undefined ? { ...guess, type: 'date' } : guess)

/** So many of the first rows can't be read, for this reason. */
export interface Unread {
  reason: string
  rows: number
}

/** Which target each column goes to. */
export type Mapping = Record<string, Target>

export const show = (value: Json | undefined): string =>
  value === undefined || value === null
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)

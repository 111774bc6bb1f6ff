import type { Json } from '@fairway/queue'
import { invalidField } from '../../platform/errors.ts'
import type { Mapping } from './columns.ts'
import { valueTypes } from './columns.ts'
import type { Format } from './format.ts'
import { isEmpty } from './guess.ts'
import type { ImportKind } from './kinds.ts'
import type { Options } from './options.ts'
import type { Refusal } from './rejects.ts'
import type { Row } from './row.ts'
import { clearable, type Draft, isClearable, isShared, type Put, putInto, targetsOf } from './targets.ts'

/** A row, read. */
export type Planned = { row: Row; draft: Draft } | { row: Row; refusal: Refusal }

interface PlannedColumn {
  name: string
  put: Put
  clear: ((draft: Draft) => void) | undefined
}

/** How the rows of one import are read. */
export class Plan {
  readonly #format: Format
  readonly #names: string[]
  /** By place in the row; undefined for those that are ignored. */
  readonly #columns: (PlannedColumn | undefined)[]
  readonly #tags: string[]
  readonly #event: string | undefined
  readonly #kind: ImportKind

  /** @throws {ApiError} 422 for a mapping that can't be followed */
  constructor(kind: ImportKind, format: Format, names: string[], mapping: Mapping, options: Options) {
    this.#kind = kind
    this.#format = format
    this.#names = names
    this.#tags = options.tags ?? []
    this.#event = options.event?.trim() || undefined
    this.#columns = names.map((name) => planColumn(kind, name, mapping, options))
    checkMapping(kind, names, mapping, options)
  }

  read(row: Row): Planned {
    if (row.broken !== undefined) return { row, refusal: { column: null, reason: row.broken } }
    const { cells } = row
    const given = cells.length
    if (given !== this.#names.length && this.#format.type === 'csv') {
      if (given > this.#names.length && !this.#isPadded(cells))
        return refuse(row, null, `has ${given} cells; there are ${this.#names.length} columns`)
      // Spreadsheets leave out the delimiters of empty cells at the end.
      while (cells.length < this.#names.length) cells.push('')
    }
    const draft: Draft = { person: {}, properties: {}, tags: this.#tags.slice() }
    // A cell that is not there says nothing, also where empty ones say that there is nothing.
    const count = Math.min(given, this.#columns.length)
    for (let index = 0; index < count; index++) {
      const column = this.#columns[index]
      const value = cells[index]
      if (column === undefined || value === undefined) continue
      if (isEmpty(value)) {
        column.clear?.(draft)
        continue
      }
      const reason = column.put(draft, value)
      if (reason !== undefined) return refuse(row, column.name, reason)
    }
    const missing = this.#missing(draft)
    return missing === undefined ? { row, draft } : refuse(row, null, missing)
  }

  /** Spreadsheets leave empty cells behind a row. */
  #isPadded = (cells: (Json | undefined)[]) =>
    cells.length > this.#names.length && cells.slice(this.#names.length).every(isEmpty)

  #missing(draft: Draft): string | undefined {
    const { id, email, anonymousId } = draft.person
    if (id === undefined && email === undefined && anonymousId === undefined)
      return 'has neither an id nor an email address'
    if (this.#kind === 'events' && (draft.event ??= this.#event) === undefined) return 'has no event name'
    if (this.#kind === 'tags' && draft.tags.length === 0) return 'has no tag'
    return undefined
  }
}

const refuse = (row: Row, column: string | null, reason: string): Planned => ({
  row,
  refusal: { column, reason },
})

function planColumn(
  kind: ImportKind,
  name: string,
  mapping: Mapping,
  options: Options,
): PlannedColumn | undefined {
  const target = Object.hasOwn(mapping, name) ? mapping[name]! : { to: 'ignore' }
  const { to, type = 'text' } = target
  const field = `mapping.${name}.to`
  if (!valueTypes.includes(type))
    throw invalidField(`mapping.${name}.type`, `must be one of ${valueTypes.join(', ')}`)
  const put = putInto(kind, to, type, options)
  if (!put) throw invalidField(field, `can't be ${JSON.stringify(to)}; possible are ${targetsOf(kind)}`)
  if (to === 'ignore') return undefined
  const property = to.startsWith('property:') ? to.slice('property:'.length) : undefined
  const clear =
    options.overwriteEmpty && isClearable(to)
      ? property === undefined
        ? clearable[to]
        : (draft: Draft) => {
            draft.properties[property] = null
          }
      : undefined
  return { name, put, clear }
}

function checkMapping(kind: ImportKind, names: string[], mapping: Mapping, options: Options): void {
  const used = new Set<string>()
  for (const [name, { to }] of Object.entries(mapping)) {
    if (!names.includes(name)) throw invalidField(`mapping.${name}`, 'is no column of the file')
    if (used.has(to) && !isShared(to))
      throw invalidField(
        `mapping.${name}.to`,
        `is ${to}, as that of another column; one of them can go there`,
      )
    used.add(to)
  }
  if (!['id', 'email', 'anonymous_id', 'person'].some((to) => used.has(to)))
    throw invalidField('mapping', 'must lead one column to id or email, so that people can be told apart')
  if (kind === 'events' && !used.has('event') && !options.event?.trim())
    throw invalidField(
      'mapping',
      'must lead one column to event, unless options.event names the event of all rows',
    )
  if (kind === 'tags' && !used.has('tags') && !options.tags?.length)
    throw invalidField('mapping', 'must lead one column to tags, unless options.tags names those of all rows')
}

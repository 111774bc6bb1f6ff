import { type Static, type TSchema, Type } from 'typebox'

export const Time = Type.String({ format: 'date-time' })

export const nullable = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export const Json = Type.Unsafe<Json>({ description: 'Any JSON' })

/** What is known of a person or an event, by name. */
export type Properties = Record<string, Json>
export const Properties = Type.Unsafe<Properties>({ type: 'object', additionalProperties: true })

/** A list read page by page; `nextCursor` is null at its end. */
export const Page = <T extends TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    nextCursor: nullable(Type.String(), '`cursor` of the next page; null at the end'),
  })
export interface Page<Item> {
  items: Item[]
  nextCursor: string | null
}

/** One that ended early may hold few, or none, while `nextCursor` is not null. */
export const SearchedPage = <T extends TSchema>(item: T) =>
  Type.Object({
    ...Page(item).properties,
    examined: Type.Integer({ description: 'How many were looked at' }),
  })
export interface SearchedPage<Item> extends Page<Item> {
  examined: number
}

/** A list that is short enough to come at once. */
export const Whole = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), nextCursor: Type.Null() })
export interface Whole<Item> {
  items: Item[]
  nextCursor: null
}

export const Counted = Type.Object({
  count: Type.Integer(),
  more: Type.Boolean({ description: 'There are more than were counted' }),
})
export type Counted = Static<typeof Counted>

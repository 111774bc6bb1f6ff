import { type Static, Type } from 'typebox'
import { Json, Time } from './basics.ts'

/** What is known of a property's name: the types its values had, and since when. */
export const CatalogueProperty = Type.Object({
  name: Type.String(),
  types: Type.Array(
    Type.Object({
      type: Type.Enum(['text', 'number', 'boolean', 'date', 'list', 'object']),
      firstSeen: Time,
      lastSeen: Time,
    }),
  ),
  conflict: Type.Boolean({ description: 'Its values were of types that do not go together' }),
  firstSeen: Time,
  lastSeen: Time,
})
export type CatalogueProperty = Static<typeof CatalogueProperty>

export const CatalogueEvent = Type.Object({
  name: Type.String(),
  foldedName: Type.String({ description: 'All spellings of the name in one' }),
  firstSeen: Time,
  lastSeen: Time,
  last30Days: Type.Integer(),
})
export type CatalogueEvent = Static<typeof CatalogueEvent>

/** A tag or a topic. */
export const CatalogueLabel = Type.Object({ name: Type.String() })
export type CatalogueLabel = Static<typeof CatalogueLabel>

export const CatalogueValue = Type.Object({
  value: Json,
  share: Type.Number({ description: 'Of the people who have the property, 0 to 1' }),
})
export type CatalogueValue = Static<typeof CatalogueValue>

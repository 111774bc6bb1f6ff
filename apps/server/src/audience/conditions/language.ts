import Type, { type Static } from 'typebox'

/**
 * The condition language: JSON, the same in segments, campaigns and workflows. Groups nest (`all`, `any`,
 * `not`); every other condition is named by its first member: `person`, `trigger`, `tag`, `subscribed`, `topic`,
 * `segment`, `event`, `message`.
 * Reference for its users: docs/reference/conditions.md. Checking: `parse.ts`. Two evaluators that always agree:
 * `evaluate.ts` for one person in this process, `condition-sql.ts` for all people at once.
 */
export type Condition = { all: Condition[] } | { any: Condition[] } | { not: Condition } | LeafCondition

export type LeafCondition =
  | PersonCondition
  | TriggerCondition
  | TagCondition
  | SubscribedCondition
  | TopicCondition
  | SegmentCondition
  | EventCondition
  | MessageCondition

/** A length of time: one unit and how many. A day is 24 hours, a week 168. */
export type Duration = Static<typeof durationSchema>
/** A time relative to the moment of evaluation. */
export type RelativeTime = Static<typeof relativeTimeSchema>
/** An ISO 8601 date, or a relative time. */
export type TimeValue = Static<typeof timeSchema>
export type ScalarValue = string | number | boolean
export type ConditionValue = Static<typeof valueSchema>

/** A test of one property's value. `value` is absent for `is_set` and `is_not_set` alone. */
export interface PropertyTest {
  operator: PropertyOperator
  value?: ConditionValue
}
/** A property of the person; `id`, `email`, `phone`, `timezone`, `language` and `created_at` are built in. */
export type PersonCondition = { person: string } & PropertyTest
/** A property of the event that triggered the campaign. */
export type TriggerCondition = { trigger: string } & PropertyTest
export type TagCondition = Static<typeof tagSchema>
export type SubscribedCondition = Static<typeof subscribedSchema>
/** What the person said about a topic; false for both while they said nothing. */
export type TopicCondition = Static<typeof topicSchema>
/** Membership of another segment. */
export type SegmentCondition = Static<typeof segmentSchema>
export type EventCondition = Static<typeof eventSchema>
export type MessageCondition = Static<typeof messageSchema>
/** A property of the counted event. */
export type EventPropertyCondition = { property: string } & PropertyTest
export type Count = Static<typeof countSchema>
export type Window = Static<typeof windowSchema>
/** When something happened, against a time. */
export type TimeTest = Static<typeof timeTestSchema>
/** Another event of the same person that must be there, or must not, for an event to count. */
export type RelatedEvent = Static<typeof relatedSchema>

export const presenceOperators = ['is_set', 'is_not_set'] as const
export const equalityOperators = ['equals', 'not_equals'] as const
export const listOperators = ['one_of', 'not_one_of'] as const
export const textOperators = ['contains', 'not_contains', 'starts_with', 'ends_with'] as const
export const orderOperators = ['>', '>=', '<', '<='] as const
export const propertyOperators = [
  ...presenceOperators,
  ...equalityOperators,
  ...listOperators,
  ...textOperators,
  ...orderOperators,
] as const
export type PropertyOperator = (typeof propertyOperators)[number]
export type OrderOperator = (typeof orderOperators)[number]

export const countOperators = ['=', '>=', '<=', '>', '<'] as const
export type CountOperator = (typeof countOperators)[number]

export const messageActions = ['sent', 'opened', 'clicked'] as const
export type MessageAction = (typeof messageActions)[number]

export const unitMs = { minutes: 60_000, hours: 3_600_000, days: 86_400_000, weeks: 604_800_000 } as const
export type Unit = keyof typeof unitMs
export const units = Object.keys(unitMs) as Unit[]

export const limits = {
  /** Groups inside groups. */
  depth: 10,
  /** Conditions in the whole tree, groups and filters included. */
  conditions: 100,
  nameLength: 255,
  textLength: 1_000,
  /** Values of `one_of`. */
  list: 100,
  count: 10_000,
  /** Ten years. */
  durationMs: 3_650 * unitMs.days,
} as const

const closed = { additionalProperties: false }
const name = Type.String({ minLength: 1, maxLength: limits.nameLength })
const oneOf = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value))))

const amount = Type.Number({ exclusiveMinimum: 0 })
const durationSchema = Type.Union([
  Type.Object({ minutes: amount }, closed),
  Type.Object({ hours: amount }, closed),
  Type.Object({ days: amount }, closed),
  Type.Object({ weeks: amount }, closed),
])

const relativeTimeSchema = Type.Union([
  Type.Object({ ago: durationSchema }, closed),
  Type.Object({ ahead: durationSchema }, closed),
])

const textValue = Type.String({ minLength: 1, maxLength: limits.textLength })
const scalarSchema = Type.Union([textValue, Type.Number(), Type.Boolean()])
const timeSchema = Type.Union([textValue, relativeTimeSchema])
const valueSchema = Type.Union([
  ...scalarSchema.anyOf,
  relativeTimeSchema,
  Type.Array(scalarSchema, { minItems: 1, maxItems: limits.list }),
])

const testMembers = { operator: oneOf(propertyOperators), value: Type.Optional(valueSchema) }
const tagSchema = Type.Object({ tag: name, has: Type.Optional(Type.Boolean()) }, closed)
const subscribedSchema = Type.Object({ subscribed: Type.Boolean() }, closed)
const topicSchema = Type.Object({ topic: name, wanted: Type.Boolean() }, closed)
const id = Type.Integer({ minimum: 1, maximum: 2_147_483_647 })
const segmentSchema = Type.Object({ segment: id, in: Type.Optional(Type.Boolean()) }, closed)

const countSchema = Type.Object(
  { operator: oneOf(countOperators), value: Type.Integer({ minimum: 0, maximum: limits.count }) },
  closed,
)
const windowSchema = Type.Union([
  Type.Object({ last: durationSchema }, closed),
  /** From `after` on, and before `before`. */
  Type.Object({ after: Type.Optional(timeSchema), before: Type.Optional(timeSchema) }, closed),
])
const timeTestSchema = Type.Object({ operator: oneOf(orderOperators), value: timeSchema }, closed)
const whereSchema = Type.Array(Type.Object({ property: name, ...testMembers }, closed))

const relatedSchema = Type.Object(
  {
    event: name,
    /** Default true: there is one. */
    did: Type.Optional(Type.Boolean()),
    /** The property of the same value in both. */
    scopedBy: name,
    /** Not before the counted event. Default: whenever. */
    after: Type.Optional(Type.Boolean()),
    where: Type.Optional(whereSchema),
  },
  closed,
)

const eventSchema = Type.Object(
  {
    event: name,
    /** Default true. */
    did: Type.Optional(Type.Boolean()),
    /** Default: at least once. */
    count: Type.Optional(countSchema),
    /** Instead of a count: when the first or the last one happened. */
    first: Type.Optional(timeTestSchema),
    last: Type.Optional(timeTestSchema),
    /** Default: ever. */
    within: Type.Optional(Type.Union([Type.Literal('since_trigger'), ...windowSchema.anyOf])),
    /** Only events that pass all of these are counted. */
    where: Type.Optional(whereSchema),
    /** Only events are counted whose property of this name is the same as the trigger's. */
    scopedBy: Type.Optional(name),
    related: Type.Optional(relatedSchema),
  },
  closed,
)

const messageSchema = Type.Object(
  {
    message: oneOf(messageActions),
    did: Type.Optional(Type.Boolean()),
    /** Messages, each once however often it was opened. */
    count: Type.Optional(countSchema),
    within: Type.Optional(windowSchema),
    campaign: Type.Optional(id),
    template: Type.Optional(id),
  },
  closed,
)

/** JSON Schema of a condition, for documentation and editors; `parseConditions` checks more and says it better. */
export const conditionSchema = Type.Unsafe<Condition>(
  Type.Cyclic(
    {
      Condition: Type.Union([
        Type.Object({ all: Type.Array(Type.Ref('Condition'), { minItems: 1 }) }, closed),
        Type.Object({ any: Type.Array(Type.Ref('Condition'), { minItems: 1 }) }, closed),
        Type.Object({ not: Type.Ref('Condition') }, closed),
        Type.Object({ person: name, ...testMembers }, closed),
        Type.Object({ trigger: name, ...testMembers }, closed),
        tagSchema,
        subscribedSchema,
        topicSchema,
        segmentSchema,
        eventSchema,
        messageSchema,
      ]),
    },
    'Condition',
  ),
)

export function durationMs(duration: Duration): number {
  const [unit, amount] = Object.entries(duration)[0] as [Unit, number]
  return Math.round(amount * unitMs[unit])
}

export const isOrder = (operator: PropertyOperator): operator is OrderOperator =>
  (orderOperators as readonly string[]).includes(operator)

export const isRelative = (value: ConditionValue | undefined): value is RelativeTime =>
  typeof value === 'object' && !Array.isArray(value)

/** How far a relative time is from the moment of evaluation, ms; negative before it. */
export const offsetOf = (value: RelativeTime): number =>
  'ago' in value ? -durationMs(value.ago) : durationMs(value.ahead)

/** The instant a relative time means, epoch ms. */
export const resolveRelative = (value: RelativeTime, now: Date): number => now.getTime() + offsetOf(value)

/** Every leaf of a tree, for loading the facts it needs. */
export function* leavesOf(condition: Condition): Generator<LeafCondition> {
  if ('all' in condition) for (const child of condition.all) yield* leavesOf(child)
  else if ('any' in condition) for (const child of condition.any) yield* leavesOf(child)
  else if ('not' in condition) yield* leavesOf(condition.not)
  else yield condition
}

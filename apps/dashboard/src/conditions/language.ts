/** The condition language as the server takes it; docs/reference/conditions.md says what each part means. */
export type Condition = { all: Condition[] } | { any: Condition[] } | { not: Condition } | Leaf

/** Every kind of condition by the member that names it. */
export interface Leaves {
  person: PersonLeaf
  trigger: TriggerLeaf
  event: EventLeaf
  message: MessageLeaf
  tag: TagLeaf
  topic: TopicLeaf
  subscribed: SubscribedLeaf
  segment: SegmentLeaf
  anniversary: AnniversaryLeaf
}
export type LeafKind = keyof Leaves
export type Leaf = Leaves[LeafKind]

export const units = ['minutes', 'hours', 'days', 'weeks'] as const
export type Unit = (typeof units)[number]
/** One unit and how many. */
export type Duration = Partial<Record<Unit, number>>
export type RelativeTime = { ago: Duration } | { ahead: Duration }
/** ISO 8601 text, or relative to now. */
export type DateValue = string | RelativeTime

export type Scalar = string | number | boolean
export type Value = Scalar | RelativeTime | Scalar[] | Count

export type OrderOperator = '>' | '>=' | '<' | '<='
export type Operator =
  | 'is_set'
  | 'is_not_set'
  | 'equals'
  | 'not_equals'
  | 'one_of'
  | 'not_one_of'
  | 'contains'
  | 'not_contains'
  | 'starts_with'
  | 'ends_with'
  | 'contains_any'
  | 'contains_all'
  | 'contains_none'
  | 'count'
  | 'is_empty'
  | 'is_not_empty'
  | OrderOperator

export interface Test {
  operator: Operator
  value?: Value
  /** Absent: capitals matter. */
  ignoreCase?: boolean
}
export type PersonLeaf = { person: string } & Test
export type TriggerLeaf = { trigger: string } & Test
export type Filter = { property: string } & Test

export interface TagLeaf {
  tag: string
  has?: boolean
}
export interface TopicLeaf {
  topic: string
  wanted: boolean
}
export interface SubscribedLeaf {
  subscribed: boolean
}
export interface SegmentLeaf {
  segment: number
  in?: boolean
}

export interface Count {
  operator: '=' | OrderOperator
  value: number
}
export type Window = 'since_trigger' | { last: Duration } | { after?: DateValue; before?: DateValue }
/** When the first or the last one was. */
export interface Moment {
  operator: OrderOperator
  value: DateValue
}
/** Another event that shares a property with the counted one. */
export interface Related {
  event: string
  did?: boolean
  scopedBy: string
  after?: boolean
  where?: Filter[]
}

export type AggregateFunction = 'sum' | 'average' | 'min' | 'max'
/** Of a property of the counted events. */
export interface Aggregate {
  function: AggregateFunction
  property: string
  operator: Count['operator']
  /** Empty while it is being written. */
  value: number | ''
}

export interface EventLeaf {
  event: string
  did?: boolean
  count?: Count
  within?: Window
  first?: Moment
  last?: Moment
  aggregate?: Aggregate
  where?: Filter[]
  scopedBy?: string
  related?: Related
}

/** The day of a date that comes round every year; today, unless it says otherwise. */
export interface AnniversaryLeaf {
  anniversary: string
  in?: { days: number }
  within?: { next: { days: number } }
}

export type MessageAct = 'sent' | 'opened' | 'clicked'
export interface MessageLeaf {
  message: MessageAct
  did?: boolean
  count?: Count
  within?: Window
  campaign?: number
  template?: number
}

export const isRelative = (value: unknown): value is RelativeTime =>
  typeof value === 'object' && value !== null && ('ago' in value || 'ahead' in value)

export const isCount = (value: unknown): value is Count =>
  typeof value === 'object' && value !== null && 'operator' in value

const isoDate = /^\d{4}-\d{2}-\d{2}([T ].*)?$/

export const isDateText = (value: unknown): value is string =>
  typeof value === 'string' && isoDate.test(value)

export const isDateValue = (value: unknown): value is DateValue => isRelative(value) || isDateText(value)

export function splitDuration(duration: Duration): { amount: number; unit: Unit } {
  const unit = units.find((name) => duration[name] !== undefined) ?? 'days'
  return { amount: duration[unit] ?? 0, unit }
}

/** Members that say nothing are left out: the condition then reads as it was meant. */
export const withoutEmpty = <T extends object>(value: T): T =>
  Object.fromEntries(
    Object.entries(value).filter(
      ([, member]) => member !== undefined && !(Array.isArray(member) && member.length === 0),
    ),
  ) as T

import { type Static, Type } from 'typebox'
import { type Json, nullable, Time } from './basics.ts'
import { Person } from './people.ts'
import { Task } from './tasks.ts'

/** A condition as the reference of the condition language has it. */
export const Condition = Type.Unsafe<unknown>({
  type: 'object',
  description: 'A condition; see the reference of the condition language',
})

export const Segment = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  kind: Type.Enum(['dynamic', 'manual']),
  conditions: nullable(Condition, 'Null for a manual one'),
  state: Type.Enum(['building', 'ready'], {
    description: 'While building, members are complete up to where the task is',
  }),
  size: Type.Integer(),
  builtAt: nullable(Time),
  task: nullable(Task, 'While building'),
  createdAt: Time,
  updatedAt: Time,
})
export type Segment = Static<typeof Segment>

/** What names a segment. */
export const SegmentUser = Type.Object({
  kind: Type.Enum(['segment', 'campaign']),
  id: Type.Integer(),
  name: Type.String(),
})
export type SegmentUser = Static<typeof SegmentUser>

export const SegmentMember = Type.Object({ person: Person, enteredAt: Time })
export type SegmentMember = Static<typeof SegmentMember>

/** How many match, and some of them. */
export const SegmentPreview = Type.Object({
  count: Type.Integer(),
  exact: Type.Boolean({ description: 'False: estimated from a sample' }),
  sampled: nullable(Type.Integer(), 'People looked at; null when it is everybody'),
  total: Type.Integer({ description: 'Everybody in the project' }),
  sample: Type.Array(Person),
})
export type SegmentPreview = Static<typeof SegmentPreview>

/** JSON Schema of the condition language, for editors. */
export const ConditionSchema = Type.Unsafe<Record<string, Json>>({
  type: 'object',
  additionalProperties: true,
})

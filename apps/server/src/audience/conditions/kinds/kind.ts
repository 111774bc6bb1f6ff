import type { TSchema } from 'typebox'
import type { Members } from '../check.ts'
import type { Facts, FactsTest, TriggerFacts } from '../facts.ts'
import type { History } from '../history.ts'
import type { SqlContext } from '../sql-context.ts'

/**
 * Everything that Fairway knows of one kind of condition, which its first member names. A kind is a file in this folder and a
 * line in `kinds.ts`.
 */
export interface LeafKind<Leaf> {
  /** Of JSON, for documentation and editors; `check` asks more and says it better. */
  schema: TSchema
  /** Checks what comes from outside. Throws a 422 that names the place. */
  check(members: Members, path: string, context: CheckContext): void
  /** One line of English, for logs and reports. Speaks of the rule, never of a person's data. */
  describe(leaf: Leaf): string
  /** What must be loaded before `test`, beside the person and the trigger. */
  needs(leaf: Leaf): LeafNeeds
  /** Made ready: names folded, times read, values at hand. */
  test(leaf: Leaf): FactsTest
  /** True or false, never null, for a row of `people p`; the counterpart of `test`. */
  sql(leaf: Leaf, compiler: LeafCompiler): string
  /** When time alone may next change the answer; empty when it does not. Perhaps too early, never too late. */
  due(leaf: Leaf): Due[]
  /** Timestamps, or null for never, of which the least is the counterpart of `due`. */
  dueSql(leaf: Leaf, context: SqlContext): string[]
}

export interface CheckContext {
  /** Counts one more condition, and that it is an object. */
  counted(input: unknown, path: string): Members
  /** Refuses what speaks of a trigger event where there is none. */
  needTrigger(path: string): void
}

export interface LeafNeeds {
  /** Events by name, and whether more than the times of them is asked for. */
  events?: { event: string; detailed: boolean }[]
  /** How far back it looks at events; events before it never count. Epoch ms. */
  since?: Since
  messages?: true
  /** Manual segments. */
  segments?: number[]
  /** Where people live. */
  zones?: true
}

export type Since = (now: Date, trigger: TriggerFacts | undefined) => number

export interface LeafCompiler {
  context: SqlContext
  /** Whether the person's rows measure so. */
  history(history: History): string
}

/** When to look again, epoch ms; Infinity for never. Of what crosses now, all conditions are looked through at once. */
export type Due = Crossing | ((facts: Facts) => number)

/**
 * Instants of what is known of a person, compared with now + an offset. A comparison of t changes at t - offset (> and <) or
 * a millisecond later (>= and <=).
 */
export interface Crossing {
  /** The same for the same list of instants. */
  key: string
  /** Ascending. */
  instants: (facts: Facts) => number[]
  offset: number
  /** Of events and messages, which the database answers for where there are very many. */
  historic: boolean
  /** Earlier instants don't count. `key`: the same for the same function. */
  since?: { key: string; of: Since }
}

/** Of kinds that time does not change. */
export const timeless = { due: (): Due[] => [], dueSql: (): string[] => [] }

/** Of kinds that look at the person and the trigger alone. */
export const needsNothing = (): LeafNeeds => ({})

export const sorted = (instants: (number | null | undefined)[]): number[] =>
  instants.filter((instant) => instant !== undefined && instant !== null).sort((a, b) => a - b)

/** Whether an instant has yet to be crossed; with `crossingSql`, the counterpart of a `Crossing`. */
export const uncrossedSql = (instant: string, offset: number, context: SqlContext): string =>
  `${instant} >= ${fromNow(offset, context)}`

/** When it is. */
export const crossingSql = (instant: string, offset: number, context: SqlContext): string =>
  `greatest(${fromNow(1, context)}, ${instant} + ${context.parameters.add(-offset, 'float8')} * interval '1 millisecond')`

const fromNow = (ms: number, { parameters, now }: SqlContext) =>
  parameters.add(new Date(now.getTime() + ms), 'timestamptz')

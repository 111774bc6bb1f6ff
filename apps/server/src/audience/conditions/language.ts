import Type from 'typebox'
import { type LeafCondition, leafKinds } from './kinds.ts'
import { closed } from './parts/schemas.ts'

/**
 * The condition language: JSON, the same in segments, campaigns and workflows. Groups nest (`all`, `any`,
 * `not`); every other condition is named by its first member (`kinds.ts`).
 * Reference for its users: docs/reference/conditions.md. Checking: `parse.ts`. Two evaluators that always agree:
 * `evaluate.ts` for one person in this process, `condition-sql.ts` for all people at once.
 */
export type Condition = { all: Condition[] } | { any: Condition[] } | { not: Condition } | LeafCondition

/** JSON Schema of a condition, for documentation and editors; `parseConditions` checks more and says it better. */
export const conditionSchema = Type.Unsafe<Condition>(
  Type.Cyclic(
    {
      Condition: Type.Union([
        Type.Object({ all: Type.Array(Type.Ref('Condition'), { minItems: 1 }) }, closed),
        Type.Object({ any: Type.Array(Type.Ref('Condition'), { minItems: 1 }) }, closed),
        Type.Object({ not: Type.Ref('Condition') }, closed),
        ...Object.values(leafKinds).map(({ schema }) => schema),
      ]),
    },
    'Condition',
  ),
)

/** Every leaf of a tree. */
export function* leavesOf(condition: Condition): Generator<LeafCondition> {
  if ('all' in condition) for (const child of condition.all) yield* leavesOf(child)
  else if ('any' in condition) for (const child of condition.any) yield* leavesOf(child)
  else if ('not' in condition) yield* leavesOf(condition.not)
  else yield condition
}

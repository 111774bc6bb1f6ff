import Type, { type Static } from 'typebox'
import { allowOnly, optionalTruth, wholeNumber } from '../check.ts'
import { closed, idSchema, maxId } from '../parts/schemas.ts'
import { type LeafKind, timeless } from './kind.ts'

const schema = Type.Object({ segment: idSchema, in: Type.Optional(Type.Boolean()) }, closed)
/** Membership of another segment: a manual one, once `expand.ts` put the conditions of dynamic ones in their place. */
export type SegmentCondition = Static<typeof schema>

export const segment: LeafKind<SegmentCondition> = {
  schema,
  check(members, path) {
    allowOnly(members, path, ['segment', 'in'])
    wholeNumber(members.segment, `${path}.segment`, 1, maxId)
    optionalTruth(members.in, `${path}.in`)
  },
  describe: (leaf) => `is ${leaf.in === false ? 'not ' : ''}in segment ${leaf.segment}`,
  needs: ({ segment }) => ({ segments: [segment] }),
  test: (leaf) => {
    const isIn = leaf.in ?? true
    return ({ segments }) => segments.has(leaf.segment) === isIn
  },
  sql(leaf, { context: { parameters, project } }) {
    const found = `exists (select from segment_members m
      where m.project_id = ${project} and m.segment_id = ${parameters.add(leaf.segment, 'integer')} and m.person_id = p.id)`
    return (leaf.in ?? true) ? found : `(not ${found})`
  },
  ...timeless,
}

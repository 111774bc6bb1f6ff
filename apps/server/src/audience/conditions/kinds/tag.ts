import Type, { type Static } from 'typebox'
import { allowOnly, optionalTruth, text } from '../check.ts'
import { limits } from '../parts/limits.ts'
import { closed, nameSchema } from '../parts/schemas.ts'
import { type LeafKind, needsNothing, timeless } from './kind.ts'

const schema = Type.Object({ tag: nameSchema, has: Type.Optional(Type.Boolean()) }, closed)
export type TagCondition = Static<typeof schema>

export const tag: LeafKind<TagCondition> = {
  schema,
  check(members, path) {
    allowOnly(members, path, ['tag', 'has'])
    text(members.tag, `${path}.tag`, limits.maxNameLength)
    optionalTruth(members.has, `${path}.has`)
  },
  describe: ({ tag, has }) => `${has === false ? 'does not have' : 'has'} tag ${JSON.stringify(tag)}`,
  needs: needsNothing,
  test:
    ({ tag, has = true }) =>
    ({ person }) =>
      person.tags.includes(tag) === has,
  sql({ tag, has = true }, { context }) {
    const found = `(${context.parameters.add(tag, 'text')} = any(p.tags))`
    return has ? found : `(not ${found})`
  },
  ...timeless,
}

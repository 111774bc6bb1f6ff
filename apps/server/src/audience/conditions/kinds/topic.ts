import Type, { type Static } from 'typebox'
import { allowOnly, requireTrue, text } from '../check.ts'
import { limits } from '../parts/limits.ts'
import { closed, nameSchema } from '../parts/schemas.ts'
import { type LeafKind, needsNothing, timeless } from './kind.ts'

const schema = Type.Object({ topic: nameSchema, wanted: Type.Boolean() }, closed)
/** What the person said about a topic; false for both while they said nothing. */
export type TopicCondition = Static<typeof schema>

export const topic: LeafKind<TopicCondition> = {
  schema,
  check(members, path) {
    allowOnly(members, path, ['topic', 'wanted'])
    text(members.topic, `${path}.topic`, limits.maxNameLength)
    requireTrue(members.wanted, `${path}.wanted`)
  },
  describe: ({ topic, wanted }) => `${wanted ? 'wants' : 'does not want'} topic ${JSON.stringify(topic)}`,
  needs: needsNothing,
  test:
    ({ topic, wanted }) =>
    ({ person: { topics } }) =>
      Object.hasOwn(topics, topic) && topics[topic] === wanted,
  sql({ topic, wanted }, { context: { parameters } }) {
    const said = parameters.add(wanted ? 'true' : 'false', 'jsonb')
    return `coalesce((p.topics -> ${parameters.add(topic, 'text')}) = ${said}, false)`
  },
  ...timeless,
}

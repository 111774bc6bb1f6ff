import Type, { type Static } from 'typebox'
import { allowOnly, requireTrue } from '../check.ts'
import { closed } from '../parts/schemas.ts'
import { type LeafKind, needsNothing, timeless } from './kind.ts'

const schema = Type.Object({ subscribed: Type.Boolean() }, closed)
export type SubscribedCondition = Static<typeof schema>

export const subscribed: LeafKind<SubscribedCondition> = {
  schema,
  check(members, path) {
    allowOnly(members, path, ['subscribed'])
    requireTrue(members.subscribed, `${path}.subscribed`)
  },
  describe: ({ subscribed }) => (subscribed ? 'is subscribed' : 'is unsubscribed'),
  needs: needsNothing,
  test:
    ({ subscribed }) =>
    ({ person }) =>
      person.subscribed === subscribed,
  sql: ({ subscribed }) => (subscribed ? 'p.subscribed' : '(not p.subscribed)'),
  ...timeless,
}

import { anniversary } from './kinds/anniversary.ts'
import { event } from './kinds/event.ts'
import type { LeafKind } from './kinds/kind.ts'
import { message } from './kinds/message.ts'
import { person } from './kinds/person.ts'
import { segment } from './kinds/segment.ts'
import { subscribed } from './kinds/subscribed.ts'
import { tag } from './kinds/tag.ts'
import { topic } from './kinds/topic.ts'
import { trigger } from './kinds/trigger.ts'

/** Every kind of condition by the member that names it. */
export const leafKinds = {
  person,
  trigger,
  tag,
  subscribed,
  topic,
  segment,
  event,
  message,
  anniversary,
} satisfies Record<string, LeafKind<never>>

type LeafOf<Kind> = Kind extends LeafKind<infer Leaf> ? Leaf : never
export type LeafCondition = LeafOf<(typeof leafKinds)[keyof typeof leafKinds]>

export const leafKindNames = Object.keys(leafKinds) as (keyof typeof leafKinds)[]

export const kindOf = (leaf: LeafCondition): LeafKind<LeafCondition> =>
  leafKinds[leafKindNames.find((name) => Object.hasOwn(leaf, name))!]

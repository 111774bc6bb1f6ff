import { anniversary } from './kinds/anniversary.tsx'
import { event } from './kinds/event.tsx'
import type { Kind } from './kinds/kind.ts'
import { message } from './kinds/message.tsx'
import { person } from './kinds/person.tsx'
import { segment } from './kinds/segment.tsx'
import { subscribed } from './kinds/subscribed.tsx'
import { tag } from './kinds/tag.tsx'
import { topic } from './kinds/topic.tsx'
import { trigger } from './kinds/trigger.tsx'
import type { Leaf, LeafKind, Leaves } from './language.ts'

/** The kinds of conditions, in the order in which they are offered. */
export const kinds: { [Name in LeafKind]: Kind<Leaves[Name]> } = {
  person,
  trigger,
  event,
  message,
  tag,
  topic,
  subscribed,
  segment,
  anniversary,
}

export const kindNames = Object.keys(kinds) as LeafKind[]

/** Whether this console knows such a condition. */
export const isKnown = (leaf: object): leaf is Leaf => kindNames.some((name) => name in leaf)

export const kindOf = (leaf: Leaf): Kind<Leaf> => kinds[kindNames.find((name) => name in leaf)!] as Kind<Leaf>

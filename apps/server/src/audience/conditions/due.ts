import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import type { Facts } from './facts.ts'
import type { Crossing } from './kinds/kind.ts'
import { kindOf, type LeafCondition } from './kinds.ts'
import { type Condition, leavesOf } from './language.ts'

/**
 * When time alone may next change what conditions say of a person; epoch ms, Infinity for never. May be too early, never
 * too late. `due-sql.ts` says the same for many people.
 */
export type Clock = (facts: Facts) => number

/** One clock for all of the conditions: each property is read, and each list of times sorted, once a person. */
export function makeClock(conditions: Iterable<Condition>): Clock {
  const leaves = [...new Set([...conditions].flatMap(relativeLeavesOf))]
  const hands = handsOf(leaves)
  const others = leaves.flatMap((leaf) => dueOf(leaf).filter((due) => typeof due === 'function'))
  return (facts) => {
    let next = Number.POSITIVE_INFINITY
    if (facts.decided)
      for (const leaf of leaves)
        next = Math.min(next, facts.decided.get(leaf)?.due ?? Number.POSITIVE_INFINITY)
    for (const { instants, marks, historic } of hands) {
      if (historic && facts.decided) continue
      next = Math.min(next, nextCrossing(instants(facts), marks, facts))
    }
    for (const due of others) next = Math.min(next, due(facts))
    return next
  }
}

const clockOf = memoizePerObject((condition: Condition) => makeClock([condition]))

export const nextChange = (condition: Condition, facts: Facts): number => clockOf(condition)(facts)

type Mark = Pick<Crossing, 'offset' | 'since'>

/** Instants that are compared with now + the offset of each of the marks. */
interface Hand extends Pick<Crossing, 'instants' | 'historic'> {
  marks: Map<string, Mark>
}

function handsOf(leaves: LeafCondition[]): Hand[] {
  const hands = new Map<string, Hand>()
  for (const leaf of leaves)
    for (const due of dueOf(leaf)) {
      if (typeof due === 'function') continue
      const { key, instants, historic, offset, since } = due
      let hand = hands.get(key)
      if (!hand) hands.set(key, (hand = { instants, historic, marks: new Map() }))
      hand.marks.set(`${offset} ${since?.key}`, { offset, since })
    }
  return [...hands.values()]
}

const dueOf = memoizePerObject((leaf: LeafCondition) => kindOf(leaf).due(leaf))

/** The first instant that is not passed for an offset is the next to be. */
function nextCrossing(ascending: number[], marks: Hand['marks'], { now, trigger }: Facts): number {
  let next = Number.POSITIVE_INFINITY
  if (ascending.length === 0) return next
  for (const { offset, since } of marks.values()) {
    const from = Math.max(now.getTime() + offset, since?.of(now, trigger) ?? Number.NEGATIVE_INFINITY)
    const at = firstFrom(ascending, from)
    if (at !== undefined) next = Math.min(next, Math.max(at - offset, now.getTime() + 1))
  }
  return next
}

function firstFrom(ascending: number[], bound: number): number | undefined {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! >= bound) high = middle
    else low = middle + 1
  }
  return ascending[low]
}

/** The leaves that speak of now. */
export const relativeLeavesOf = memoizePerObject((condition: Condition): LeafCondition[] =>
  [...leavesOf(condition)].filter((leaf) => dueOf(leaf).length > 0),
)

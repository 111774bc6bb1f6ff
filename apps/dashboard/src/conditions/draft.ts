import type { Condition, Leaf } from './language.ts'

/**
 * Conditions as they are edited: every node has an identity, so that fields keep their state when others come and go.
 * A group of one kind of four stands for `all`, `any` and their opposites.
 */
export type Draft = DraftGroup | DraftLeaf

export type Join = 'all' | 'any' | 'none' | 'not_all'

export interface DraftGroup {
  id: number
  join: Join
  children: Draft[]
}

export interface DraftLeaf {
  id: number
  leaf: Leaf
}

let lastId = 0
const nextId = () => ++lastId

export const isGroup = (draft: Draft): draft is DraftGroup => 'children' in draft

export const newGroup = (join: Join, children: Draft[] = []): DraftGroup => ({ id: nextId(), join, children })

export const newLeaf = (leaf: Leaf): DraftLeaf => ({ id: nextId(), leaf })

/** The root is always a group: there one adds. */
export function toDraft(condition: Condition | null): DraftGroup {
  if (condition === null) return newGroup('all')
  const draft = draftOf(condition)
  return isGroup(draft) ? draft : newGroup('all', [draft])
}

function draftOf(condition: Condition): Draft {
  if ('all' in condition) return newGroup('all', condition.all.map(draftOf))
  if ('any' in condition) return newGroup('any', condition.any.map(draftOf))
  if (!('not' in condition)) return newLeaf(condition)
  const inner = condition.not
  if ('all' in inner) return newGroup('not_all', inner.all.map(draftOf))
  if ('any' in inner) return newGroup('none', inner.any.map(draftOf))
  return newGroup('none', [draftOf(inner)])
}

/** Null: no condition at all, everybody. A group in which nothing was added yet says nothing. */
export function toCondition(draft: Draft): Condition | null {
  if (!isGroup(draft)) return draft.leaf
  const children = draft.children.map(toCondition).filter((child) => child !== null)
  if (children.length === 0) return null
  const [only] = children
  const positive = { all: 'all', not_all: 'all', any: 'any', none: 'any' }[draft.join] as 'all' | 'any'
  const group = children.length === 1 ? only! : positive === 'all' ? { all: children } : { any: children }
  return draft.join === 'none' || draft.join === 'not_all' ? { not: group } : group
}

/** Where the server says a complaint is, `all.1.any.0.operator`, as the draft it is about. */
export function findByPath(draft: Draft, path: string): Draft {
  if (!isGroup(draft)) return draft
  const said = draft.children.filter((child) => toCondition(child) !== null)
  const rest = path.replace(/^not\.?/, '')
  if (said.length === 1) return findByPath(said[0]!, rest)
  const index = Number(/^(?:all|any)\.(\d+)/.exec(rest)?.[1] ?? Number.NaN)
  const child = said[index]
  return child ? findByPath(child, rest.replace(/^(all|any)\.\d+\.?/, '')) : draft
}

import { type ApiError, invalidField } from '../../platform/errors.ts'
import { type Condition, leavesOf } from './language.ts'

/** Leaves of a condition after expansion: what one evaluation may cost. */
export const maxLeaves = 1_000

/**
 * What is behind a segment's id: the conditions of a dynamic one (as stored, references included), or undefined for a
 * manual one, whose reference stays.
 */
export type FindSegment = (id: number) => Condition | undefined

/**
 * Replaces references to dynamic segments by their conditions, so that an answer never depends on how far another
 * segment has been worked out.
 *
 * @throws {ApiError} 422 when segments refer to each other in a circle, or it grows beyond {@link maxLeaves}
 */
export function expandSegments(condition: Condition, find: FindSegment, path = 'conditions'): Condition {
  let leaves = 0
  const expand = (node: Condition, within: number[]): Condition => {
    if ('all' in node) return { all: node.all.map((child) => expand(child, within)) }
    if ('any' in node) return { any: node.any.map((child) => expand(child, within)) }
    if ('not' in node) return { not: expand(node.not, within) }
    const behind = 'segment' in node ? find(node.segment) : undefined
    if (!('segment' in node) || behind === undefined) {
      if (++leaves > maxLeaves)
        throw refuse(`has more than ${maxLeaves} conditions, together with those of the segments it names`)
      return node
    }
    if (within.includes(node.segment))
      throw refuse(`leads in a circle: segment ${[...within, node.segment].join(' → ')}`)
    const inner = expand(behind, [...within, node.segment])
    return (node.in ?? true) ? inner : { not: inner }
  }
  const refuse = (message: string): ApiError => invalidField(path, `${path} ${message}`)
  return expand(condition, [])
}

/** Ids of the segments that a condition names itself. */
export const segmentsIn = (condition: Condition): number[] => [
  ...new Set([...leavesOf(condition)].flatMap((leaf) => ('segment' in leaf ? [leaf.segment] : []))),
]

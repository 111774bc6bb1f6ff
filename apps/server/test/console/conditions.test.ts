import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findByPath, isGroup, toCondition, toDraft } from '../../../dashboard/src/conditions/draft.ts'
import type { Condition, Leaf } from '../../../dashboard/src/conditions/language.ts'
import { describeConditions } from '../../../dashboard/src/conditions/words.ts'
import { parseConditions } from '../../src/audience/conditions/parse.ts'

const leaf = fc.constantFrom<Leaf>(
  { tag: 'vip' },
  { subscribed: false },
  { person: 'plan', operator: 'one_of', value: ['pro', 'team'] },
  { event: 'Signed in', did: false, within: { last: { days: 7 } } },
)
/** As the console writes them: no group around one alone, nothing turned round twice. */
const tree: fc.Memo<Condition> = fc.memo((depth) => {
  if (depth <= 1) return leaf
  const groups = fc
    .tuple(fc.constantFrom('all', 'any'), fc.array(tree(depth - 1), { minLength: 2, maxLength: 3 }))
    .map(([join, children]) => ({ [join]: children }) as Condition)
  return fc.oneof(
    leaf,
    groups,
    fc.oneof(leaf, groups).map((not) => ({ not })),
  )
})

const names = { segment: String, campaign: String, template: String }

describe('conditions by fields', () => {
  it('are the same when nothing was edited, and such that the server takes them', () => {
    fc.assert(
      fc.property(tree(3), (condition) => {
        const edited = toCondition(toDraft(condition))
        expect(edited).toEqual(condition)
        expect(() => parseConditions(edited, { trigger: false })).not.toThrow()
      }),
    )
  })

  it('are found by the path that a refusal names', () => {
    fc.assert(
      fc.property(tree(3), (condition) => {
        const draft = toDraft(condition)
        for (const [path, said] of leavesOf(condition)) {
          const found = findByPath(draft, `${path}.value`.replace(/^\./, ''))
          expect(isGroup(found) ? undefined : found.leaf).toEqual(said)
        }
      }),
    )
  })

  it('are said in English, with brackets where "and" meets "or"', () => {
    const said = (condition: Condition) => describeConditions(condition, names)
    expect(said({ all: [{ tag: 'vip' }, { any: [{ subscribed: true }, { not: { tag: 'staff' } }] }] })).toBe(
      'People who have the tag “vip”, and (who are subscribed, or not those who have the tag “staff”).',
    )
    expect(said({ not: { event: 'Purchased item', count: { operator: '>=', value: 2 } } })).toBe(
      'Everybody but people who did “Purchased item” at least 2 times.',
    )
    expect(
      said({
        event: 'Purchased item',
        where: [{ property: 'price', operator: '>', value: 40 }],
        first: { operator: '>=', value: { ago: { weeks: 1 } } },
        related: { event: 'Returned item', did: false, scopedBy: 'sku', after: true },
      }),
    ).toBe(
      'People who did “Purchased item” where price is more than 40 for the first time at or after 1 week ago and no later “Returned item” of the same sku.',
    )
    expect(said({ person: 'trial_ends', operator: '<', value: { ahead: { days: 2 } } })).toBe(
      'People whose trial_ends is before 2 days from now.',
    )
    expect(said({ person: '', operator: 'equals', value: '' })).toBe('People whose … is …')
  })
})

function* leavesOf(condition: Condition, path = ''): Generator<[string, Leaf]> {
  if ('not' in condition) yield* leavesOf(condition.not, `${path}.not`)
  else if ('all' in condition || 'any' in condition) {
    const [join, children] = 'all' in condition ? ['all', condition.all] : ['any', condition.any]
    for (const [index, child] of children.entries()) yield* leavesOf(child, `${path}.${join}.${index}`)
  } else yield [path.replace(/^\./, ''), condition]
}

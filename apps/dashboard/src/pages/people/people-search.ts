import type { PeopleFilter } from '../../api/people.ts'
import { parseJson } from '../../conditions/conditions-json.tsx'
import type { Condition } from '../../conditions/language.ts'

/** The address of the page: what is searched, or what is filtered by. */
export interface PeopleSearch {
  q?: string
  segment?: string
  /** Conditions as JSON. */
  conditions?: string
}

export function toFilter({ segment, conditions }: PeopleSearch): PeopleFilter {
  const parsed = conditionsOf(conditions)
  return {
    ...(segment && { segment: Number(segment) }),
    ...(parsed && { conditions: parsed }),
  }
}

/** What filters, as conditions alone; null without. */
export function conditionsShown(search: PeopleSearch): Condition | null {
  const { segment, conditions } = toFilter(search)
  if (segment === undefined) return conditions ?? null
  return conditions ? { all: [{ segment }, conditions] } : { segment }
}

export const isFiltered = (filter: PeopleFilter): boolean =>
  filter.segment !== undefined || filter.conditions !== undefined

/** What an address carries may be anything; what is no condition filters nothing. */
export const conditionsOf = (text: string | undefined): Condition | undefined =>
  (text && parseJson(text).conditions) || undefined

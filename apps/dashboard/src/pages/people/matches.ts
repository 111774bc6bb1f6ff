import { usePeopleCount } from '../../api/people.ts'
import { useSegmentPreview } from '../../api/segments.ts'
import { formatNumber, plural } from '../../lib/format.ts'
import { conditionsShown, type PeopleSearch } from './people-search.ts'

export interface Matches {
  count: number
  /** False: estimated. */
  exact: boolean
  /** There are more than were counted. */
  more: boolean
}

/** How many people a search or a filter finds; undefined until it is known. Asks no more once it is left. */
export function useMatches(project: string, search: PeopleSearch): Matches | undefined {
  const conditions = conditionsShown(search)
  const counted = usePeopleCount(project, search.q ?? '', conditions === null)
  const { preview } = useSegmentPreview(project, conditions)
  if (conditions === null) return counted.data && { ...counted.data, exact: true }
  return preview && { count: preview.count, exact: preview.exact, more: false }
}

/** "1 person", "about 12,300 people", "10,000+ people" */
export function matchesWords({ count, exact, more }: Matches): string {
  if (more) return `${formatNumber(count)}+ people`
  return exact
    ? plural(count, 'person', 'people')
    : `about ${formatNumber(Number(count.toPrecision(3)))} people`
}

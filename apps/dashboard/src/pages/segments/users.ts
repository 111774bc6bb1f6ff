import { useEveryCampaign } from '../../api/campaigns.ts'
import type { Segment } from '../../api/segments.ts'
import { segmentsIn } from '../../conditions/walk.ts'
import { plural } from '../../lib/format.ts'

/** "2 segments, 1 campaign": what names a segment, for the list of them; the server tells it exactly on each one's page. */
export function useUsers(project: string, segments: Segment[]): (segment: Segment) => string {
  const campaigns = useEveryCampaign(project).data ?? []
  return ({ id, name }) => {
    const names = ({ conditions }: Pick<Segment, 'conditions'>) =>
      conditions !== null && segmentsIn(conditions).includes(id)
    const crossings = [`entered segment: ${name}`, `left segment: ${name}`].map((each) => each.toLowerCase())
    const among = segments.filter((other) => other.id !== id && names(other)).length
    const triggered = campaigns.filter(
      (campaign) => names(campaign) || crossings.includes(campaign.triggerEvent.toLowerCase()),
    ).length
    return [
      ...(among > 0 ? [plural(among, 'segment')] : []),
      ...(triggered > 0 ? [plural(triggered, 'campaign')] : []),
    ].join(', ')
  }
}

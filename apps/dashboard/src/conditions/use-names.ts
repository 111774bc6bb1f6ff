import { useEveryCampaign } from '../api/campaigns.ts'
import { useEverySegment } from '../api/segments.ts'
import { useEveryTemplate } from '../api/templates.ts'

/** What ids in conditions are called. */
export interface Names {
  segment: (id: number) => string
  campaign: (id: number) => string
  template: (id: number) => string
}

interface Named {
  id: number
  name: string
}

/** What the ids in conditions are called; of those not loaded, the number. */
export function useNames(project: string): Names {
  const lists = useNamed(project)
  const nameIn = (list: Named[], kind: string) => (id: number) =>
    id === 0 ? '' : (list.find((each) => each.id === id)?.name ?? `${kind} ${id}`)
  return {
    segment: nameIn(lists.segments, 'segment'),
    campaign: nameIn(lists.campaigns, 'campaign'),
    template: nameIn(lists.templates, 'template'),
  }
}

/** What conditions can name by id, as far as their lists are loaded. */
export function useNamed(project: string): Record<'segments' | 'campaigns' | 'templates', Named[]> {
  const segments = useEverySegment(project).data ?? []
  const campaigns = useEveryCampaign(project).data ?? []
  const templates = useEveryTemplate(project).data ?? []
  return { segments, campaigns, templates }
}

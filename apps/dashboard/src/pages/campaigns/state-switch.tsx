import { SegmentedControl } from '@mantine/core'
import { useSaveCampaign } from '../../api/campaigns.ts'
import type { Campaign, CampaignState } from '../../api/types.ts'
import { campaignStates } from '../../components/state-badge.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.ts'

const data = (['off', 'test', 'live'] as const).map((state) => ({
  value: state,
  label: campaignStates[state].label,
}))

export function StateSwitch({ project, campaign }: { project: string; campaign: Campaign }) {
  const save = useSaveCampaign(project, campaign.id)
  const change = (state: CampaignState) =>
    save.mutate(
      { state },
      {
        onSuccess: () =>
          notifySuccess(
            `${campaign.name} is ${campaignStates[state].label.toLowerCase()}`,
            campaignStates[state].meaning,
          ),
        onError: (error) => notifyError('Could not change the state', error),
      },
    )
  const shown = save.isPending ? (save.variables.state ?? campaign.state) : campaign.state
  return (
    <SegmentedControl
      size="xs"
      aria-label={`State of ${campaign.name}`}
      data={data}
      value={shown}
      onChange={(value) => change(value as CampaignState)}
      color={shown === 'off' ? undefined : campaignStates[shown].color}
      autoContrast
      style={{ position: 'relative', zIndex: 1 }}
    />
  )
}

import { Text } from '@mantine/core'
import { IconPlus, IconRoute } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useCampaigns } from '../../api/campaigns.ts'
import { useProjectQueue } from '../../api/queue.ts'
import type { Campaign } from '../../api/types.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ButtonLink, RowLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { WaitingMail } from '../../components/waiting-mail.tsx'
import { StateSwitch } from './state-switch.tsx'
import { describeWait } from './wait-words.ts'

const route = getRouteApi('/signed-in/projects/$project/campaigns')

export function CampaignsPage() {
  const { project } = route.useParams()
  const campaigns = useCampaigns(project)
  const waiting = useProjectQueue(project).data?.waiting
  return (
    <>
      <PageHeader
        title="Campaigns"
        description="An event, a wait, conditions that are checked again just before sending, and a message."
        actions={<NewCampaign project={project} />}
      />
      <WaitingMail project={project} waiting={waiting} linksToServer />
      <DataTable
        label="campaigns"
        query={campaigns}
        rowKey={(campaign) => campaign.id}
        columns={columns(project)}
        empty={
          <EmptyState icon={IconRoute} title="No campaigns yet" actions={<NewCampaign project={project} />}>
            Thank somebody for a purchase, or remind them of a cart they left three hours ago.
          </EmptyState>
        }
      />
    </>
  )
}

const NewCampaign = ({ project }: { project: string }) => (
  <ButtonLink
    to="/projects/$project/campaigns/new"
    params={{ project }}
    leftSection={<IconPlus size={16} aria-hidden />}
  >
    New campaign
  </ButtonLink>
)

const columns = (project: string): Column<Campaign>[] => [
  {
    title: 'Campaign',
    render: (campaign) => (
      <>
        <RowLink
          to="/projects/$project/campaigns/$campaign"
          params={{ project, campaign: String(campaign.id) }}
        >
          {campaign.name}
        </RowLink>
        <Text size="xs" c="dimmed">
          “{campaign.triggerEvent}”, {describeWait(campaign.wait)}
        </Text>
      </>
    ),
  },
  { title: 'State', width: 210, render: (campaign) => <StateSwitch project={project} campaign={campaign} /> },
  {
    title: 'Last change',
    align: 'right',
    width: 150,
    visibleFrom: 'sm',
    render: (campaign) => <TimeAgo at={campaign.updatedAt} c="dimmed" />,
  },
]

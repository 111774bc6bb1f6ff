import { Grid, Stack } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useCampaign, useDeleteCampaign } from '../../api/campaigns.ts'
import type { Campaign } from '../../api/types.ts'
import { BackLink } from '../../components/back-link.tsx'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { CampaignForm } from './campaign-form.tsx'
import { CampaignReportSection } from './campaign-report.tsx'
import { StateSwitch } from './state-switch.tsx'

const route = getRouteApi('/signed-in/projects/$project/campaigns/$campaign')

export function CampaignPage() {
  const { project, campaign: id } = route.useParams()
  const campaign = useCampaign(project, id)
  return (
    <>
      <BackLink to="/projects/$project/campaigns" params={{ project }}>
        Campaigns
      </BackLink>
      <QueryView query={campaign} what="this campaign">
        {(data) => <CampaignView project={project} campaign={data} />}
      </QueryView>
    </>
  )
}

function CampaignView({ project, campaign }: { project: string; campaign: Campaign }) {
  return (
    <>
      <PageHeader
        title={campaign.name}
        actions={
          <>
            <StateSwitch project={project} campaign={campaign} />
            <DeleteCampaign project={project} campaign={campaign} />
          </>
        }
      />
      <Grid gap="lg" align="flex-start">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <CampaignForm key={campaign.id} project={project} campaign={campaign} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="lg">
            <CampaignReportSection project={project} id={String(campaign.id)} />
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  )
}

function DeleteCampaign({ project, campaign }: { project: string; campaign: Campaign }) {
  const remove = useDeleteCampaign(project, campaign.id)
  const navigate = useNavigate()
  const confirm = async () => {
    try {
      await remove.mutateAsync()
    } catch (error) {
      notifyError('Could not delete the campaign', error)
      throw error
    }
    notifySuccess('Campaign deleted')
    await navigate({ to: '/projects/$project/campaigns', params: { project }, ignoreBlocker: true })
  }
  return (
    <ConfirmButton
      needs="content.delete"
      size="xs"
      variant="subtle"
      color="red"
      title={`Delete “${campaign.name}”?`}
      message="Messages that wait for their time are skipped; those already sent stay in the history."
      confirmLabel="Delete the campaign"
      onConfirm={confirm}
    >
      Delete
    </ConfirmButton>
  )
}

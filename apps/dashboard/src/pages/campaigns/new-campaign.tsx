import { Box } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { BackLink } from '../../components/back-link.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { CampaignForm } from './campaign-form.tsx'

const route = getRouteApi('/signed-in/projects/$project/campaigns/new')

export function NewCampaignPage() {
  const { project } = route.useParams()
  const navigate = useNavigate()
  return (
    <>
      <BackLink to="/projects/$project/campaigns" params={{ project }}>
        Campaigns
      </BackLink>
      <PageHeader
        title="New campaign"
        description="It starts switched off: nothing is sent until you say so."
      />
      <Box maw={720}>
        <CampaignForm
          project={project}
          onSaved={({ id }) =>
            navigate({
              to: '/projects/$project/campaigns/$campaign',
              params: { project, campaign: String(id) },
              replace: true,
            })
          }
        />
      </Box>
    </>
  )
}

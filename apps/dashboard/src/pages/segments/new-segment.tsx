import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { BackLink } from '../../components/back-link.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { notifySuccess } from '../../lib/notify.tsx'
import { SegmentForm } from './segment-form.tsx'

const route = getRouteApi('/signed-in/projects/$project/segments/new')

export function NewSegmentPage() {
  const { project } = route.useParams()
  const navigate = useNavigate()
  return (
    <>
      <BackLink to="/projects/$project/segments" params={{ project }}>
        Segments
      </BackLink>
      <PageHeader title="New segment" description="Say who belongs to it; the number follows as you do." />
      <SegmentForm
        project={project}
        onSaved={({ id, name }) => {
          notifySuccess('Segment created', `Who is in “${name}” is being found out.`)
          navigate({
            to: '/projects/$project/segments/$segment',
            params: { project, segment: String(id) },
          })
        }}
      />
    </>
  )
}

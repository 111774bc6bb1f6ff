import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { BackLink } from '../../components/back-link.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { notifySuccess } from '../../lib/notify.tsx'
import { SourceForm } from './source-form.tsx'

const route = getRouteApi('/signed-in/projects/$project/imports/sources/new')

export function NewSourcePage() {
  const { project } = route.useParams()
  const navigate = useNavigate()
  return (
    <>
      <BackLink to="/projects/$project/imports/sources" params={{ project }}>
        SQL sources
      </BackLink>
      <PageHeader
        title="New SQL source"
        description="Give it a database user that may only read. Fairway reads in small parts, and imports what is new."
      />
      <SourceForm
        project={project}
        onSaved={({ id }) => {
          notifySuccess('SQL source saved')
          void navigate({
            to: '/projects/$project/imports/sources/$source',
            params: { project, source: String(id) },
          })
        }}
      />
    </>
  )
}

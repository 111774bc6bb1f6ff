import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { BackLink } from '../../components/back-link.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { starterTemplate } from './starter.ts'
import { TemplateEditor } from './template-editor.tsx'

const route = getRouteApi('/signed-in/projects/$project/templates/new')

export function NewTemplatePage() {
  const { project } = route.useParams()
  const navigate = useNavigate()
  return (
    <>
      <BackLink to="/projects/$project/templates" params={{ project }}>
        Templates
      </BackLink>
      <PageHeader title="New template" />
      <TemplateEditor
        project={project}
        initial={starterTemplate}
        onSaved={({ id }) =>
          navigate({
            to: '/projects/$project/templates/$template',
            params: { project, template: String(id) },
            replace: true,
          })
        }
      />
    </>
  )
}

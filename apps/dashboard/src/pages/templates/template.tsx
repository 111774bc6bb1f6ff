import type { Template } from '@fairway/api'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useDeleteTemplate, useTemplate } from '../../api/templates.ts'
import { BackLink } from '../../components/back-link.tsx'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { TemplateEditor } from './template-editor.tsx'
import { UsedBy } from './used-by.tsx'

const route = getRouteApi('/signed-in/projects/$project/templates/$template')

export function TemplatePage() {
  const { project, template: id } = route.useParams()
  const template = useTemplate(project, id)
  return (
    <>
      <BackLink to="/projects/$project/templates" params={{ project }}>
        Templates
      </BackLink>
      <QueryView query={template} what="this template">
        {(data) => (
          <>
            <PageHeader title={data.name} actions={<DeleteTemplate project={project} template={data} />} />
            <UsedBy project={project} id={data.id} />
            <TemplateEditor key={data.id} project={project} template={data} initial={data} />
          </>
        )}
      </QueryView>
    </>
  )
}

function DeleteTemplate({ project, template }: { project: string; template: Template }) {
  const remove = useDeleteTemplate(project, template.id)
  const navigate = useNavigate()
  const confirm = async () => {
    try {
      await remove.mutateAsync()
    } catch (error) {
      notifyError('Could not delete the template', error)
      throw error
    }
    notifySuccess('Template deleted')
    await navigate({ to: '/projects/$project/templates', params: { project }, ignoreBlocker: true })
  }
  return (
    <ConfirmButton
      needs="content.delete"
      variant="subtle"
      color="red"
      title={`Delete “${template.name}”?`}
      message="Messages sent with it stay in the history. This cannot be undone."
      confirmLabel="Delete the template"
      onConfirm={confirm}
    >
      Delete
    </ConfirmButton>
  )
}

import type { Template } from '@fairway/api'
import { Code, Text } from '@mantine/core'
import { IconPlus, IconTemplate } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useTemplates } from '../../api/templates.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ButtonLink, RowLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'

const route = getRouteApi('/signed-in/projects/$project/templates')

export function TemplatesPage() {
  const { project } = route.useParams()
  const templates = useTemplates(project)
  return (
    <>
      <PageHeader
        title="Templates"
        description="What a mail says, with Liquid for what differs from person to person."
        actions={<NewTemplate project={project} />}
      />
      <DataTable
        label="templates"
        query={templates}
        rowKey={(template) => template.id}
        columns={columns(project)}
        empty={
          <EmptyState
            icon={IconTemplate}
            title="No templates yet"
            actions={<NewTemplate project={project} />}
          >
            Campaigns and the API send mail through templates.
          </EmptyState>
        }
      />
    </>
  )
}

const NewTemplate = ({ project }: { project: string }) => (
  <ButtonLink
    to="/projects/$project/templates/new"
    params={{ project }}
    leftSection={<IconPlus size={16} aria-hidden />}
  >
    New template
  </ButtonLink>
)

const columns = (project: string): Column<Template>[] => [
  {
    title: 'Template',
    render: (template) => (
      <>
        <RowLink
          to="/projects/$project/templates/$template"
          params={{ project, template: String(template.id) }}
        >
          {template.name}
        </RowLink>
        <Text size="xs" c="dimmed" lineClamp={1}>
          {template.subject || '(no subject)'}
        </Text>
      </>
    ),
  },
  {
    title: 'For the API',
    visibleFrom: 'sm',
    render: (template) => <Code>{template.key ?? template.id}</Code>,
  },
  {
    title: 'Last change',
    align: 'right',
    width: 150,
    render: (template) => <TimeAgo at={template.updatedAt} c="dimmed" />,
  },
]

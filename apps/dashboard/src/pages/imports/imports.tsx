import type { Import } from '@fairway/api'
import { Text } from '@mantine/core'
import { IconFileImport, IconPlus } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useImports } from '../../api/imports.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ButtonLink, RowLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { progressWords } from '../../components/task-progress.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { ImportStateBadge } from './import-state-badge.tsx'
import { ImportTabs } from './import-tabs.tsx'
import { countWords, labelOf } from './import-words.ts'

const route = getRouteApi('/signed-in/projects/$project/imports')

export function ImportsPage() {
  const { project } = route.useParams()
  const imports = useImports(project)
  return (
    <>
      <PageHeader
        title="Imports"
        description="Files of people, events, tags and lists. What a file did can be seen row by row, and undone."
        actions={<NewImport project={project} />}
      />
      <ImportTabs project={project} />
      <DataTable
        label="imports"
        query={imports}
        rowKey={({ id }) => id}
        columns={columns(project)}
        empty={
          <EmptyState
            icon={IconFileImport}
            title="Nothing was imported yet"
            actions={<NewImport project={project} />}
          >
            CSV, TSV or JSON lines, compressed or not, up to 5 GB; or straight from Vero.
          </EmptyState>
        }
      />
    </>
  )
}

const NewImport = ({ project }: { project: string }) => (
  <ButtonLink
    to="/projects/$project/imports/new"
    params={{ project }}
    leftSection={<IconPlus size={16} aria-hidden />}
  >
    New import
  </ButtonLink>
)

const columns = (project: string): Column<Import>[] => [
  {
    title: 'Import',
    render: ({ id, name, kind }) => (
      <>
        <RowLink to="/projects/$project/imports/$import" params={{ project, import: String(id) }}>
          {name}
        </RowLink>
        <Text size="xs" c="dimmed">
          {labelOf(kind)}
        </Text>
      </>
    ),
  },
  { title: 'State', width: 150, render: (each) => <ImportStateBadge of={each} /> },
  { title: 'Rows', render: (row) => <Rows row={row} /> },
  {
    title: 'Created',
    align: 'right',
    width: 150,
    visibleFrom: 'sm',
    render: ({ createdAt }) => <TimeAgo at={createdAt} c="dimmed" />,
  },
]

function Rows({ row }: { row: Import }) {
  if (row.state === 'importing' && row.task) return progressWords(row.task, 'rows')
  return row.counts.rows > 0 ? countWords(row) : '—'
}

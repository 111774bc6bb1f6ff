import type { Source } from '@fairway/api'
import { Button, Text } from '@mantine/core'
import { IconDatabaseImport, IconPlus } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useMay } from '../../api/rights.ts'
import { useSources } from '../../api/sources.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ButtonLink, RowLink } from '../../components/links.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { ReadOnlyNote } from '../../components/read-only-note.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { ImportTabs } from '../imports/import-tabs.tsx'
import { labelOf } from '../imports/import-words.ts'
import { LastRun } from './last-run.tsx'
import { scheduleWords } from './source-words.ts'

const route = getRouteApi('/signed-in/projects/$project/imports/sources')

export function SourcesPage() {
  const { project } = route.useParams()
  const sources = useSources(project)
  return (
    <>
      <PageHeader
        title="SQL sources"
        description="A query to your own database, asked again and again; what is new is imported."
        actions={<NewSource project={project} />}
      />
      <ImportTabs project={project} />
      <ReadOnlyNote right="sources.manage" what="the SQL sources" />
      <DataTable
        label="SQL sources"
        query={sources}
        rowKey={({ id }) => id}
        columns={columns(project)}
        empty={
          <EmptyState
            icon={IconDatabaseImport}
            title="No SQL sources"
            actions={<NewSource project={project} />}
          >
            People and events from PostgreSQL or MySQL, every few minutes, without an export in between.
          </EmptyState>
        }
      />
    </>
  )
}

function NewSource({ project }: { project: string }) {
  const may = useMay()
  const leftSection = <IconPlus size={16} aria-hidden />
  if (!may('sources.manage'))
    return (
      <NeedsRight right="sources.manage">
        <Button leftSection={leftSection}>New SQL source</Button>
      </NeedsRight>
    )
  return (
    <ButtonLink to="/projects/$project/imports/sources/new" params={{ project }} leftSection={leftSection}>
      New SQL source
    </ButtonLink>
  )
}

const columns = (project: string): Column<Source>[] => [
  {
    title: 'Source',
    render: ({ id, name, host, import: { kind } }) => (
      <>
        <RowLink to="/projects/$project/imports/sources/$source" params={{ project, source: String(id) }}>
          {name}
        </RowLink>
        <Text size="xs" c="dimmed">
          {labelOf(kind)} from {host}
        </Text>
      </>
    ),
  },
  { title: 'Last run', render: ({ lastRun }) => <LastRun run={lastRun} /> },
  { title: 'Asked', visibleFrom: 'sm', render: ({ everyMinutes }) => scheduleWords(everyMinutes) },
  {
    title: 'Next run',
    align: 'right',
    width: 150,
    visibleFrom: 'sm',
    render: ({ nextRunAt }) => <TimeAgo at={nextRunAt} c="dimmed" />,
  },
]

import type { Export } from '@fairway/api'
import { ActionIcon, Button, Group, Text, Tooltip } from '@mantine/core'
import { IconDownload, IconFileExport, IconTrash } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { exportFilePath, useDeleteExport, useExports } from '../../api/exports.ts'
import { useMay } from '../../api/rights.ts'
import { isUnderWay } from '../../api/tasks.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { progressWords, TaskStateBadge, TaskSwitches } from '../../components/task-progress.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { formatBytes, plural } from '../../lib/format.ts'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { NewExportButton } from './new-export.tsx'

const route = getRouteApi('/signed-in/projects/$project/exports')

export function ExportsPage() {
  const { project } = route.useParams()
  const may = useMay()
  return (
    <>
      <PageHeader
        title="Exports"
        description="People, events and messages as files. A file is kept for seven days."
        actions={<NewExportButton project={project} />}
      />
      {may('people.export') ? (
        <Exports project={project} />
      ) : (
        <EmptyState icon={IconFileExport} title="Exports are for administrators">
          They carry people’s data out of Fairway. Ask an owner or administrator of the organization for a
          file.
        </EmptyState>
      )}
    </>
  )
}

function Exports({ project }: { project: string }) {
  const exports = useExports(project)
  return (
    <DataTable
      label="exports"
      query={exports}
      rowKey={({ id }) => id}
      columns={columns(project)}
      empty={
        <EmptyState icon={IconFileExport} title="No exports" actions={<NewExportButton project={project} />}>
          Your data is yours: take it as CSV for a spreadsheet, or as JSON lines for another Fairway project.
        </EmptyState>
      }
    />
  )
}

const columns = (project: string): Column<Export>[] => [
  {
    title: 'Export',
    render: ({ task }) => (
      <Text size="sm" fw={550}>
        {task.title}
      </Text>
    ),
  },
  {
    title: 'Progress',
    render: ({ task, rows, bytes, state }) => (
      <>
        <TaskStateBadge state={state} />
        <Text size="xs" c="dimmed" mt={4} role="status">
          {isUnderWay(task) ? progressWords(task, 'rows') : `${plural(rows, 'row')} · ${formatBytes(bytes)}`}
        </Text>
        {task.message && (
          <Text size="xs" c="red">
            {task.message}
          </Text>
        )}
      </>
    ),
  },
  {
    title: 'Started',
    align: 'right',
    visibleFrom: 'sm',
    render: ({ createdAt }) => <TimeAgo at={createdAt} c="dimmed" />,
  },
  {
    title: 'Expires',
    align: 'right',
    visibleFrom: 'sm',
    render: ({ expiresAt }) => <TimeAgo at={expiresAt} c="dimmed" />,
  },
  {
    title: 'Actions',
    align: 'right',
    render: (row) => <ExportActions project={project} row={row} />,
  },
]

function ExportActions({ project, row }: { project: string; row: Export }) {
  const remove = useDeleteExport(project)
  const open = isUnderWay(row.task) || row.state === 'paused'
  return (
    <Group gap="xs" justify="flex-end" wrap="nowrap">
      {row.state === 'done' && (
        <Button
          component="a"
          href={exportFilePath(project, row.id)}
          download
          size="xs"
          variant="light"
          leftSection={<IconDownload size={15} aria-hidden />}
        >
          Download
        </Button>
      )}
      {open && <TaskSwitches project={project} task={row.task} />}
      <Tooltip label={open ? 'Stop and delete' : 'Delete the file'}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={`Delete: ${row.task.title}`}
          loading={remove.isPending}
          onClick={() =>
            remove.mutate(row.id, {
              onSuccess: () => notifySuccess('Export deleted'),
              onError: (error) => notifyError('Could not delete the export', error),
            })
          }
        >
          <IconTrash size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  )
}

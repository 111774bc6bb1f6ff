import type { Reject } from '@fairway/api'
import { Badge, Text } from '@mantine/core'
import { IconCircleCheck } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useRejects } from '../../api/events.ts'
import { BackLink } from '../../components/back-link.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { JsonPeek } from '../../components/json-peek.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'

const route = getRouteApi('/signed-in/projects/$project/rejects')

export function RejectsPage() {
  const { project } = route.useParams()
  const rejects = useRejects(project)
  return (
    <>
      <BackLink to="/projects/$project/events" params={{ project }}>
        Events
      </BackLink>
      <PageHeader
        title="Rejected items"
        description="Items that were accepted, but could not be processed, and some that were taken in another way than they were meant. The reason says what to change where they are sent."
      />
      <DataTable
        label="rejected items"
        query={rejects}
        rowKey={(reject) => reject.id}
        columns={columns}
        empty={
          <EmptyState icon={IconCircleCheck} title="Nothing was rejected">
            Every accepted item could be processed.
          </EmptyState>
        }
      />
    </>
  )
}

const columns: Column<Reject>[] = [
  {
    title: 'What became of it',
    width: 160,
    render: ({ rejected }) => (
      <Badge variant="light" color={rejected ? 'red' : 'gray'} tt="none">
        {rejected ? 'Rejected' : 'Taken'}
      </Badge>
    ),
  },
  { title: 'Reason', render: (reject) => <Text size="sm">{reject.reason}</Text> },
  {
    title: 'Item',
    render: (reject) => (
      <JsonPeek value={reject.item} label="The item">
        Show
      </JsonPeek>
    ),
  },
  { title: 'When', align: 'right', width: 150, render: (reject) => <TimeAgo at={reject.at} c="dimmed" /> },
]

import type { Erasure } from '@fairway/api'
import { Anchor, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconEraser } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useErasures } from '../../api/people.ts'
import { BackLink } from '../../components/back-link.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { formatNumber } from '../../lib/format.ts'
import { Receipt } from './receipt.tsx'

const route = getRouteApi('/signed-in/projects/$project/erasures')

export function ErasuresPage() {
  const { project } = route.useParams()
  const erasures = useErasures(project)
  return (
    <>
      <BackLink to="/projects/$project/people" params={{ project }}>
        People
      </BackLink>
      <PageHeader
        title="Erased people"
        description="Receipts of what was removed, and when. They hold nothing personal."
      />
      <DataTable
        label="receipts"
        query={erasures}
        rowKey={({ id }) => id}
        columns={columns}
        empty={
          <EmptyState icon={IconEraser} title="Nobody was erased">
            Erasing somebody, on their page or by the API, leaves a receipt here.
          </EmptyState>
        }
      />
    </>
  )
}

/** The whole receipt in a dialog. */
function ReceiptPeek({ erasure }: { erasure: Erasure }) {
  const [opened, dialog] = useDisclosure(false)
  return (
    <>
      <Anchor
        component="button"
        type="button"
        size="sm"
        ta="left"
        onClick={dialog.open}
        aria-haspopup="dialog"
      >
        {erasure.id}
      </Anchor>
      <Dialog opened={opened} onClose={dialog.close} title="Receipt">
        <Stack>
          <Receipt erasure={erasure} />
        </Stack>
      </Dialog>
    </>
  )
}

const columns: Column<Erasure>[] = [
  {
    title: 'Receipt',
    render: (erasure) => <ReceiptPeek erasure={erasure} />,
  },
  {
    title: 'Removed',
    render: ({ removed }) =>
      Object.entries(removed)
        .filter(([, count]) => count > 0)
        .map(([kind, count]) => `${formatNumber(count)} ${kind}`)
        .join(', ') || 'nothing else',
  },
  { title: 'Asked for by', visibleFrom: 'sm', render: ({ requestedBy }) => requestedBy },
  {
    title: 'Erased',
    align: 'right',
    width: 150,
    render: ({ erasedAt }) => <TimeAgo at={erasedAt} c="dimmed" />,
  },
]

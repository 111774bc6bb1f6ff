import type { Suppression } from '@fairway/api'
import { Text } from '@mantine/core'
import { IconMailOff } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useRemoveSuppression, useSuppressions } from '../../api/suppressions.ts'
import { BackLink } from '../../components/back-link.tsx'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { AddSuppressionButton } from './add-suppression.tsx'
import { suppressionWords } from './suppression-words.ts'

const route = getRouteApi('/signed-in/projects/$project/suppressions')

export function SuppressionsPage() {
  const { project } = route.useParams()
  const { q } = route.useSearch()
  const navigate = useNavigate()
  const suppressions = useSuppressions(project, q ?? '')
  return (
    <>
      <BackLink to="/projects/$project/people" params={{ project }}>
        People
      </BackLink>
      <PageHeader
        title="Suppressed addresses"
        description="Nothing is ever sent to them, whoever has the address. Addresses that bounce for good are added by themselves."
        actions={
          <>
            <SearchField
              label="Search suppressed addresses"
              placeholder="Address or a part of one"
              value={q ?? ''}
              onChange={(next) =>
                navigate({
                  to: '/projects/$project/suppressions',
                  params: { project },
                  search: next ? { q: next } : {},
                  replace: true,
                })
              }
            />
            <AddSuppressionButton project={project} />
          </>
        }
      />
      <DataTable
        label="addresses"
        query={suppressions}
        rowKey={({ address }) => address}
        columns={columns(project)}
        empty={
          q ? (
            <EmptyState icon={IconMailOff} title="No such address">
              All suppressed addresses were looked at: “{q}” is in none of them.
            </EmptyState>
          ) : (
            <EmptyState icon={IconMailOff} title="No address is suppressed">
              Addresses that do not exist, imports, the API and people in the console bring them here.
            </EmptyState>
          )
        }
      />
    </>
  )
}

const columns = (project: string): Column<Suppression>[] => [
  {
    title: 'Address',
    render: ({ address }) => (
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {address}
      </Text>
    ),
  },
  {
    title: 'Reason',
    render: (suppression) => (
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {upperFirst(suppressionWords(suppression))}
      </Text>
    ),
  },
  { title: 'Since', width: 150, render: ({ createdAt }) => <TimeAgo at={createdAt} c="dimmed" /> },
  {
    title: 'Actions',
    align: 'right',
    width: 110,
    render: (suppression) => <Remove project={project} suppression={suppression} />,
  },
]

const upperFirst = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

function Remove({ project, suppression: { address } }: { project: string; suppression: Suppression }) {
  const remove = useRemoveSuppression(project)
  return (
    <ConfirmButton
      size="xs"
      variant="subtle"
      color="red"
      aria-label={`Remove ${address}`}
      needs="people.consent"
      title="Send to this address again?"
      message={`${address} may be sent to from now on, whatever the reason it was suppressed for.`}
      confirmLabel="Remove"
      onConfirm={() =>
        remove.mutateAsync(address).then(
          () => notifySuccess('No longer suppressed', address),
          (error) => {
            notifyError('Could not remove the address', error)
            throw error
          },
        )
      }
    >
      Remove
    </ConfirmButton>
  )
}

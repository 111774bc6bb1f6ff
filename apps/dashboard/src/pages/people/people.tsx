import type { Person } from '@fairway/api'
import { Box, Stack, Text } from '@mantine/core'
import { IconUserSearch, IconUsers } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useFilteredPeople, usePeople } from '../../api/people.ts'
import { DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { AnchorLink, ButtonLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { BulkBar } from './bulk-bar.tsx'
import { matchesWords, useMatches } from './matches.ts'
import { peopleColumns } from './people-columns.tsx'
import { PeopleFilters } from './people-filters.tsx'
import { isFiltered, type PeopleSearch, toFilter } from './people-search.ts'
import { Scanned } from './scanned.tsx'

const route = getRouteApi('/signed-in/projects/$project/people')

export function PeoplePage() {
  const { project } = route.useParams()
  const search = route.useSearch()
  const navigate = useNavigate()
  const go = (next: PeopleSearch) =>
    navigate({
      to: '/projects/$project/people',
      params: { project },
      search: Object.fromEntries(Object.entries(next).filter(([, value]) => value)),
      replace: true,
    })
  return (
    <>
      <PageHeader
        title="People"
        description={
          <>
            Everybody your product has told Fairway about.{' '}
            <AnchorLink to="/projects/$project/erasures" params={{ project }} inherit underline="always">
              Erased people
            </AnchorLink>
            {' · '}
            <AnchorLink to="/projects/$project/suppressions" params={{ project }} inherit underline="always">
              Suppressed addresses
            </AnchorLink>
          </>
        }
        actions={
          <SearchField
            label="Search people"
            placeholder="Id, email, phone or name"
            value={search.q ?? ''}
            onChange={(q) => go({ q })}
          />
        }
      />
      <Stack gap="md">
        <PeopleFilters project={project} search={search} onChange={go} />
        <People key={JSON.stringify(search)} project={project} search={search} />
      </Stack>
    </>
  )
}

/** The list and what is selected in it: another search begins with nothing selected. */
function People({ project, search }: { project: string; search: PeopleSearch }) {
  const filter = toFilter(search)
  const filtered = isFiltered(filter)
  const listed = usePeople(project, search.q ?? '', !filtered)
  const found = useFilteredPeople(project, filter)
  const query = filtered ? found : listed
  const matches = useMatches(project, search)
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set())
  const rows: Person[] = query.data?.pages.flatMap((page) => page.items) ?? []
  const toggle = (id: number) => {
    const next = new Set(selected)
    if (!next.delete(id)) next.add(id)
    setSelected(next)
  }
  return (
    <>
      {rows.length > 0 && (
        <Text size="sm" c="dimmed" role="status" mih={22}>
          {matches && `${matchesWords(matches)}${search.q || filtered ? ' match' : ''}`}
          {matches?.count === 1 && !matches.more && (search.q || filtered) && 'es'}
        </Text>
      )}
      {rows.length > 0 && (
        <BulkBar
          project={project}
          rows={rows}
          matching={search.q ? undefined : filter}
          matches={matches}
          selected={rows.map(({ id }) => id).filter((id) => selected.has(id))}
          onSelect={(ids) => setSelected(new Set(ids))}
        />
      )}
      <Box>
        <DataTable
          label="people"
          query={query}
          rowKey={(person) => person.id}
          columns={peopleColumns(project, selected, toggle)}
          empty={search.q || filtered ? <NobodyFound filtered={filtered} /> : <NobodyYet project={project} />}
          {...(filtered && { more: <Scanned project={project} query={found} /> })}
        />
      </Box>
    </>
  )
}

const NobodyFound = ({ filtered }: { filtered: boolean }) => (
  <EmptyState icon={IconUserSearch} title="Nobody matches">
    {filtered
      ? 'Everybody was looked at. Change the conditions to find others.'
      : 'The search looks at the beginning of ids, emails, phone numbers, and of each word of a name.'}
  </EmptyState>
)

const NobodyYet = ({ project }: { project: string }) => (
  <EmptyState
    icon={IconUsers}
    title="Nobody is here yet"
    actions={
      <>
        <ButtonLink to="/projects/$project/first-steps" params={{ project }}>
          Send the first event
        </ButtonLink>
        <ButtonLink variant="default" to="/projects/$project/imports/new" params={{ project }}>
          Import a file
        </ButtonLink>
      </>
    }
  >
    People appear with the first event or identify call that names them, or by an import.
  </EmptyState>
)

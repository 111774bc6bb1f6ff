import type { DeadLetter } from '@fairway/api'
import { Checkbox, Group, Select, Stack, Text, Title } from '@mantine/core'
import { IconCircleCheck, IconSearchOff } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type DeadLetterFilter, useDeadLetters } from '../../api/queue.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { RowLink } from '../../components/links.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { plural } from '../../lib/format.ts'
import { describeJob, jobWords, laneWords } from '../../lib/lanes.ts'
import { DiscardButton, RedriveButton } from './dead-letter-actions.tsx'

const route = getRouteApi('/signed-in/projects/$project/queue')

const everyLane = { value: '', label: 'Every lane' }
const everyJob = { value: '', label: 'Every job' }
const laneOptions = [everyLane, ...Object.keys(laneWords).map((lane) => ({ value: lane, label: lane }))]
const jobOptions = [everyJob, ...Object.entries(jobWords).map(([value, label]) => ({ value, label }))]

export function DeadLetters({ project }: { project: string }) {
  const filter = route.useSearch()
  const navigate = useNavigate()
  const letters = useDeadLetters(project, filter)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const rows = letters.data?.pages.flatMap((page) => page.items) ?? []
  const filtered = Object.keys(filter).length > 0

  const change = (next: DeadLetterFilter) => {
    setSelected(new Set())
    const search = Object.fromEntries(Object.entries({ ...filter, ...next }).filter(([, value]) => value))
    void navigate({
      to: '/projects/$project/queue',
      params: { project },
      search,
      replace: true,
      resetScroll: false,
    })
  }
  const toggle = (ref: string) => {
    const next = new Set(selected)
    if (!next.delete(ref)) next.add(ref)
    setSelected(next)
  }
  return (
    <Stack component="section" gap="sm" aria-labelledby="dead-letters">
      <div>
        <Title order={2} id="dead-letters" style={{ scrollMarginTop: '5rem' }}>
          Dead letters
        </Title>
        <Text c="dimmed" size="sm" mt={2}>
          Jobs that failed for good, newest first. They are kept for 30 days, until you run them again or
          discard them.
        </Text>
      </div>
      {(rows.length > 0 || filtered) && (
        <Group gap="xs">
          <Select
            aria-label="Lane"
            data={laneOptions}
            value={filter.lane ?? ''}
            onChange={(lane) => change({ lane: lane ?? '' })}
            w={150}
          />
          <Select
            aria-label="Job"
            data={jobOptions}
            value={filter.name ?? ''}
            onChange={(name) => change({ name: name ?? '' })}
            w={180}
          />
          <SearchField
            label="Dead letters by reason"
            placeholder="Text in the reason"
            value={filter.reason ?? ''}
            onChange={(reason) => change({ reason })}
          />
        </Group>
      )}
      {rows.length > 0 && (
        <Actions
          project={project}
          rows={rows}
          more={letters.hasNextPage}
          filter={filter}
          selected={rows.map(({ ref }) => ref).filter((ref) => selected.has(ref))}
          onSelect={(refs) => setSelected(new Set(refs))}
        />
      )}
      <div>
        <DataTable
          label="dead letters"
          query={letters}
          rowKey={(letter) => letter.ref}
          columns={columns(project, selected, toggle)}
          empty={filtered ? <NoneMatches /> : <None />}
        />
      </div>
    </Stack>
  )
}

interface ActionsProps {
  project: string
  rows: DeadLetter[]
  /** There are more than are shown. */
  more: boolean
  filter: DeadLetterFilter
  selected: string[]
  onSelect: (refs: string[]) => void
}

/** On what is selected; with nothing selected, on all that match. */
function Actions({ project, rows, more, filter, selected, onSelect }: ActionsProps) {
  const all = selected.length === rows.length
  const some = selected.length > 0
  const which = some ? { refs: selected } : { matching: { ...filter, before: justAfter(rows[0]!) } }
  const what = some
    ? plural(selected.length, 'dead letter')
    : Object.keys(filter).length > 0
      ? 'every dead letter that matches'
      : 'every dead letter'
  const shared = { project, which, what, size: 'xs', onDone: () => onSelect([]) } as const
  return (
    <Group justify="space-between" gap="xs">
      <Checkbox
        label={some ? `${selected.length} selected` : 'Select all that are shown'}
        checked={all}
        indeterminate={some && !all}
        onChange={() => onSelect(all ? [] : rows.map(({ ref }) => ref))}
      />
      <Group gap="xs">
        <RedriveButton variant="default" {...shared}>
          {some ? 'Run again' : more ? 'Run all again' : `Run all ${rows.length} again`}
        </RedriveButton>
        <DiscardButton variant="subtle" color="red" {...shared}>
          {some ? 'Discard' : more ? 'Discard all' : `Discard all ${rows.length}`}
        </DiscardButton>
      </Group>
    </Group>
  )
}

/** So that "all" leaves alone what died since the list was read. The list tells milliseconds, the queue knows more. */
const justAfter = ({ diedAt }: DeadLetter) => new Date(Date.parse(diedAt) + 1).toISOString()

const columns = (
  project: string,
  selected: ReadonlySet<string>,
  toggle: (ref: string) => void,
): Column<DeadLetter>[] => [
  {
    title: 'Reason',
    render: (letter) => (
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <Checkbox
          mt={2}
          style={{ position: 'relative', zIndex: 1 }}
          aria-label={`Select: ${letter.reason}`}
          checked={selected.has(letter.ref)}
          onChange={() => toggle(letter.ref)}
        />
        <Text size="sm" lineClamp={3} miw={0} component="div">
          <RowLink to="/projects/$project/queue/dead-letters/$ref" params={{ project, ref: letter.ref }}>
            {letter.reason || '(no reason)'}
          </RowLink>
        </Text>
      </Group>
    ),
  },
  {
    title: 'Job',
    render: (letter) => (
      <>
        <Text size="sm">{describeJob(letter.name)}</Text>
        <Text size="xs" c="dimmed">
          {letter.lane}
        </Text>
      </>
    ),
  },
  {
    title: 'Attempts',
    align: 'right',
    visibleFrom: 'sm',
    render: (letter) => letter.attempts,
  },
  {
    title: 'Died',
    align: 'right',
    width: 150,
    render: (letter) => <TimeAgo at={letter.diedAt} c="dimmed" />,
  },
]

const None = () => (
  <EmptyState icon={IconCircleCheck} title="No dead letters">
    A job that fails ten times, is given up by its handler, or passes its deadline lands here with its reason
    and its data, so that nothing is lost in silence.
  </EmptyState>
)

const NoneMatches = () => (
  <EmptyState icon={IconSearchOff} title="No dead letter matches">
    Change the lane, the job or the text to see others.
  </EmptyState>
)

import type { SegmentMember } from '@fairway/api'
import { ActionIcon, Button, Group, Stack, Text, TextInput, Title, Tooltip } from '@mantine/core'
import { IconUserMinus, IconUsers } from '@tabler/icons-react'
import { useId, useState } from 'react'
import { type Segment, useChangeMembers, useSegmentMembers } from '../../api/segments.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { RowLink } from '../../components/links.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { personName } from '../people/person-name.ts'

interface MembersProps {
  project: string
  segment: Segment
}

/** Who is in the segment; in one made by hand, with the means to change that. */
export function Members({ project, segment }: MembersProps) {
  const id = useId()
  const members = useSegmentMembers(project, segment)
  const change = useChangeMembers(project, segment.id)
  const manual = segment.kind === 'manual'
  const remove = (member: SegmentMember) =>
    change.mutate(
      { remove: [String(member.person.id)] },
      {
        onSuccess: () => notifySuccess(`${personName(member.person)} is no longer in it`),
        onError: (error) => notifyError('Could not remove the person', error),
      },
    )
  return (
    <Stack component="section" gap="sm" aria-labelledby={id}>
      <Title order={2} id={id}>
        People
      </Title>
      {manual && <AddMember project={project} segment={segment} />}
      <div>
        <DataTable
          label="people in the segment"
          query={members}
          rowKey={({ person }) => person.id}
          columns={manual ? [...columns(project), removeColumn(remove)] : columns(project)}
          empty={
            <EmptyState
              icon={IconUsers}
              title={segment.state === 'building' ? 'Being built' : 'Nobody is in it'}
            >
              {manual
                ? 'Add people here, by an import, or by the API.'
                : 'People enter when what is known of them matches the conditions.'}
            </EmptyState>
          }
        />
      </div>
    </Stack>
  )
}

const columns = (project: string): Column<SegmentMember>[] => [
  {
    title: 'Person',
    render: ({ person }) => (
      <>
        <RowLink to="/projects/$project/people/$person" params={{ project, person: String(person.id) }}>
          {personName(person)}
        </RowLink>
        {person.externalId && person.email && (
          <Text size="xs" c="dimmed">
            {person.externalId}
          </Text>
        )}
      </>
    ),
  },
  {
    title: 'Entered',
    align: 'right',
    width: 150,
    render: ({ enteredAt }) => <TimeAgo at={enteredAt} c="dimmed" />,
  },
]

const removeColumn = (remove: (member: SegmentMember) => void): Column<SegmentMember> => ({
  title: 'Remove',
  align: 'right',
  width: 90,
  render: (member) => (
    <Tooltip label="Take out of the segment">
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={`Take ${personName(member.person)} out of the segment`}
        onClick={() => remove(member)}
      >
        <IconUserMinus size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  ),
})

function AddMember({ project, segment }: MembersProps) {
  const [typed, setTyped] = useState('')
  const change = useChangeMembers(project, segment.id)
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    change.mutate(
      { add: toPaths(typed) },
      {
        onSuccess: () => {
          notifySuccess('Added')
          setTyped('')
        },
      },
    )
  }
  return (
    <form onSubmit={submit}>
      <Group gap="xs" align="flex-start">
        <TextInput
          aria-label="Ids of people to add"
          placeholder="Your ids of people, with commas between them"
          flex="1 1 240px"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          error={change.error?.message}
        />
        <Button
          type="submit"
          variant="light"
          loading={change.isPending}
          disabled={toPaths(typed).length === 0}
        >
          Add
        </Button>
      </Group>
    </form>
  )
}

/** As people are named in paths: `id:` and the project's own id. */
const toPaths = (typed: string): string[] =>
  typed
    .split(/[,;\n]/)
    .map((id) => id.trim())
    .filter((id) => id !== '')
    .map((id) => `id:${id}`)

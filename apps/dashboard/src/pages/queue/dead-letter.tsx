import type { DeadLetterDetail } from '@fairway/api'
import { Stack, Text } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useDeadLetter } from '../../api/queue.ts'
import { BackLink } from '../../components/back-link.tsx'
import { JsonView } from '../../components/json-view.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { PropertyList } from '../../components/property-list.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { describeJob } from '../../lib/lanes.ts'
import { DiscardButton, RedriveButton } from './dead-letter-actions.tsx'

const route = getRouteApi('/signed-in/projects/$project/queue/dead-letters/$ref')

export function DeadLetterPage() {
  const { project, ref } = route.useParams()
  const letter = useDeadLetter(project, ref)
  return (
    <>
      <BackLink to="/projects/$project/queue" params={{ project }} hash="dead-letters">
        Queue
      </BackLink>
      <QueryView query={letter} what="this dead letter">
        {(data) => <LetterView project={project} letter={data} />}
      </QueryView>
    </>
  )
}

function LetterView({ project, letter }: { project: string; letter: DeadLetterDetail }) {
  const navigate = useNavigate()
  const back = () => void navigate({ to: '/projects/$project/queue', params: { project } })
  const shared = { project, which: { refs: [letter.ref] }, what: 'this dead letter', onDone: back }
  return (
    <>
      <PageHeader
        title={`Dead letter: ${describeJob(letter.name)}`}
        actions={
          <>
            <RedriveButton {...shared}>Run again</RedriveButton>
            <DiscardButton {...shared} variant="subtle" color="red">
              Discard
            </DiscardButton>
          </>
        }
      />
      <Stack gap="lg" maw={900}>
        <Section title="Reason">
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {letter.reason || 'None was given.'}
          </Text>
        </Section>
        <Section title="The job">
          <PropertyList label="The job" entries={about(letter)} />
        </Section>
        <Section title="Data" description="What the job was given to work with.">
          <JsonView value={letter.data} label="Data" />
        </Section>
      </Stack>
    </>
  )
}

const about = (letter: DeadLetterDetail): [string, React.ReactNode][] => [
  ['Lane', letter.lane],
  ['Kind', letter.name],
  ['Attempts', letter.attempts],
  ['Died', <TimeAgo key="died" at={letter.diedAt} />],
  ['Job id', letter.id],
]

import type { Source } from '@fairway/api'
import { Button, Grid } from '@mantine/core'
import { IconPlayerPlay } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useDeleteSource, useRunSource, useSource } from '../../api/sources.ts'
import { BackLink } from '../../components/back-link.tsx'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { AnchorLink } from '../../components/links.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { PropertyList } from '../../components/property-list.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { ReadOnlyNote } from '../../components/read-only-note.tsx'
import { Section } from '../../components/section.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { formatValue } from '../../lib/format.ts'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { LastRun } from './last-run.tsx'
import { SourceForm } from './source-form.tsx'
import { scheduleWords } from './source-words.ts'

const route = getRouteApi('/signed-in/projects/$project/imports/sources/$source')

export function SourcePage() {
  const { project, source: id } = route.useParams()
  const source = useSource(project, id)
  return (
    <>
      <BackLink to="/projects/$project/imports/sources" params={{ project }}>
        SQL sources
      </BackLink>
      <QueryView query={source} what="this source">
        {(data) => <SourceView key={data.id} project={project} source={data} />}
      </QueryView>
    </>
  )
}

function SourceView({ project, source }: { project: string; source: Source }) {
  const run = useRunSource(project, source.id)
  const start = () =>
    run.mutate(undefined, {
      onSuccess: () => notifySuccess('The run was accepted', 'Its rows are not imported yet.'),
      onError: (error) => notifyError('Could not run it', error),
    })
  return (
    <>
      <PageHeader
        title={source.name}
        actions={
          <>
            <NeedsRight right="sources.manage">
              <Button
                variant="light"
                leftSection={<IconPlayerPlay size={16} aria-hidden />}
                loading={run.isPending}
                onClick={start}
              >
                Run now
              </Button>
            </NeedsRight>
            <DeleteSource project={project} source={source} />
          </>
        }
      />
      <ReadOnlyNote right="sources.manage" what="this SQL source" />
      <Grid gap="lg" align="flex-start">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <SourceForm project={project} source={source} onSaved={() => notifySuccess('SQL source saved')} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Section title="Runs">
            <PropertyList label="Runs" entries={runs(project, source)} />
          </Section>
        </Grid.Col>
      </Grid>
    </>
  )
}

const runs = (project: string, source: Source): [string, React.ReactNode][] => [
  ['Last run', <LastRun key="last" run={source.lastRun} />],
  ...(source.lastRun?.import
    ? [
        [
          'Its import',
          <AnchorLink
            key="import"
            to="/projects/$project/imports/$import"
            params={{ project, import: String(source.lastRun.import) }}
            size="sm"
          >
            See the rows
          </AnchorLink>,
        ] as [string, React.ReactNode],
      ]
    : []),
  ['Asked', scheduleWords(source.everyMinutes)],
  ['Next run', <TimeAgo key="next" at={source.nextRunAt} />],
  ['Read up to', source.cursorColumn ? formatValue(source.cursor) : 'everything every time'],
]

function DeleteSource({ project, source }: { project: string; source: Source }) {
  const remove = useDeleteSource(project, source.id)
  const navigate = useNavigate()
  const confirm = async () => {
    try {
      await remove.mutateAsync()
    } catch (error) {
      notifyError('Could not delete the source', error)
      throw error
    }
    notifySuccess('SQL source deleted')
    await navigate({ to: '/projects/$project/imports/sources', params: { project } })
  }
  return (
    <ConfirmButton
      needs="sources.manage"
      variant="subtle"
      color="red"
      title={`Delete “${source.name}”?`}
      message="It is asked no more. What it imported stays."
      confirmLabel="Delete the source"
      onConfirm={confirm}
    >
      Delete
    </ConfirmButton>
  )
}

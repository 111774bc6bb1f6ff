import type { Import } from '@fairway/api'
import { Alert, Stack } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useDeleteImport, useImport } from '../../api/imports.ts'
import { BackLink } from '../../components/back-link.tsx'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { TaskProgress } from '../../components/task-progress.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { ChooseFile } from './choose-file.tsx'
import { Rejects } from './import-rejects.tsx'
import { ImportStateBadge } from './import-state-badge.tsx'
import { importStates, labelOf, needsChoice, wordsOf } from './import-words.ts'
import { MappingForm } from './mapping-form.tsx'
import { Result } from './result.tsx'
import { UploadSection } from './upload-section.tsx'

const route = getRouteApi('/signed-in/projects/$project/imports/$import')

export function ImportPage() {
  const { project, import: id } = route.useParams()
  const query = useImport(project, id)
  return (
    <>
      <BackLink to="/projects/$project/imports" params={{ project }}>
        Imports
      </BackLink>
      <QueryView query={query} what="this import">
        {(data) => <ImportView project={project} data={data} />}
      </QueryView>
    </>
  )
}

function ImportView({ project, data }: { project: string; data: Import }) {
  const { state, task } = data
  const wasWorked = data.counts.rows > 0
  const startable = ['ready', 'failed', 'cancelled'].includes(state) && data.columns.length > 0
  return (
    <>
      <PageHeader
        title={data.name}
        after={<ImportStateBadge of={data} />}
        description={`${labelOf(data.kind)}${data.url ? ` from ${data.url}` : ''}. ${wordsOf(data).meaning}`}
        actions={
          !['fetching', 'dry_run', 'importing', 'undoing'].includes(state) && (
            <DeleteImport project={project} data={data} />
          )
        }
      />
      <Stack gap="lg">
        {data.message && !needsChoice(data) && (
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title="Why it stopped">
            {data.message}
          </Alert>
        )}
        {state === 'uploading' && <UploadSection project={project} data={data} />}
        {task && ['fetching', 'dry_run', 'importing', 'undoing'].includes(state) && (
          <Section title={importStates[state].label}>
            <TaskProgress
              project={project}
              task={task}
              unit={state === 'fetching' ? 'bytes' : 'rows'}
              cancelWords={stopWords[state]}
              right={state === 'undoing' ? 'imports.undo' : undefined}
            />
          </Section>
        )}
        {wasWorked && <Result project={project} data={data} />}
        {data.counts.rejected > 0 && <Rejects project={project} data={data} />}
        {data.files.length > 0 && <ChooseFile project={project} data={data} />}
        {startable && <MappingForm key={formOf(data)} project={project} data={data} />}
      </Stack>
    </>
  )
}

/** A file that was read in another way has other columns: what was said of those before is forgotten. */
const formOf = ({ id, format, columns }: Import) =>
  JSON.stringify([id, format, columns.map(({ name }) => name)])

const stopWords: Partial<Record<Import['state'], string>> = {
  fetching: 'The file is forgotten. Nothing was imported yet.',
  dry_run: 'Nothing was changed by it.',
  importing: 'Rows that are imported already stay, until you undo the import.',
}

function DeleteImport({ project, data }: { project: string; data: Import }) {
  const remove = useDeleteImport(project, String(data.id))
  const navigate = useNavigate()
  const confirm = async () => {
    try {
      await remove.mutateAsync()
    } catch (error) {
      notifyError('Could not delete the import', error)
      throw error
    }
    notifySuccess('Import deleted')
    await navigate({ to: '/projects/$project/imports', params: { project }, ignoreBlocker: true })
  }
  return (
    <ConfirmButton
      needs="content.delete"
      variant="subtle"
      color="red"
      title={`Delete “${data.name}”?`}
      message="Its file and its rejected rows are deleted. What was imported stays, and can no longer be undone."
      confirmLabel="Delete the import"
      onConfirm={confirm}
    >
      Delete
    </ConfirmButton>
  )
}

import type { Import, ImportCounts } from '@fairway/api'
import { Alert, SimpleGrid, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useImportCommand } from '../../api/imports.ts'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { Section } from '../../components/section.tsx'
import { formatNumber, plural } from '../../lib/format.ts'
import { notifyError } from '../../lib/notify.tsx'
import { isDry } from './import-words.ts'

const words: Record<Exclude<keyof ImportCounts, 'skipped' | 'optedOut'>, string> = {
  rows: 'rows read',
  created: 'created',
  updated: 'updated',
  unchanged: 'unchanged',
  rejected: 'rejected',
}

const titles: Partial<Record<Import['state'], string>> = {
  ready: 'What would happen',
  dry_run: 'What would happen',
  importing: 'So far',
  undone: 'What it had done',
}

/** What became of the rows so far, in a dry run what would become of them. */
export function Result({ project, data }: { project: string; data: Import }) {
  const { state, counts } = data
  const dry = isDry(data)
  return (
    <Section
      title={titles[state] ?? 'What happened'}
      description={dry ? 'From the dry run. Nothing was changed.' : undefined}
      actions={<Undo project={project} data={data} />}
    >
      <SimpleGrid cols={{ base: 2, sm: 5 }} component="dl" m={0}>
        {(Object.keys(words) as (keyof typeof words)[]).map((name) => (
          <div key={name} style={{ display: 'flex', flexDirection: 'column-reverse' }}>
            <Text component="dt" size="sm" c="dimmed">
              {dry && name !== 'rows' ? `would be ${words[name]}` : words[name]}
            </Text>
            <Text
              component="dd"
              m={0}
              fz={24}
              fw={650}
              lh={1.3}
              c={name === 'rejected' && counts.rejected > 0 ? 'red' : undefined}
            >
              {formatNumber(counts[name])}
            </Text>
          </div>
        ))}
      </SimpleGrid>
      <OptedOut data={data} />
      {counts.skipped > 0 && (
        <Text size="sm" c="dimmed" mt="sm">
          {plural(counts.skipped, 'line')} of the file {counts.skipped === 1 ? 'is' : 'are'} no row: the
          header, or empty.
        </Text>
      )}
    </Section>
  )
}

/** People whom the file says to want what they opted out of. */
function OptedOut({ data }: { data: Import }) {
  const { counts, options } = data
  if (counts.optedOut === 0) return null
  const isOne = counts.optedOut === 1
  const people = isOne ? '1 person who opted out' : `${formatNumber(counts.optedOut)} people who opted out`
  const dry = isDry(data)
  return (
    <Alert
      mt="sm"
      color={options.resubscribe ? 'red' : 'yellow'}
      icon={<IconAlertTriangle aria-hidden />}
      title={
        options.resubscribe
          ? `${people} ${dry ? 'would be' : isOne ? 'was' : 'were'} subscribed again`
          : `${people} ${dry ? 'would stay' : isOne ? 'stays' : 'stay'} so`
      }
    >
      {options.resubscribe
        ? 'The option “Subscribe people again who opted out” is on. Use it only with a file that is newer than their opt-outs.'
        : 'The file says otherwise. If it is newer than their opt-outs, turn on “Subscribe people again who opted out” under Options.'}
    </Alert>
  )
}

function Undo({ project, data }: { project: string; data: Import }) {
  const command = useImportCommand(project, String(data.id))
  if (!['done', 'cancelled', 'failed'].includes(data.state)) return null
  const confirm = () =>
    command.mutateAsync('undo').catch((error) => {
      notifyError('Could not undo it', error)
      throw error
    })
  return (
    <ConfirmButton
      needs="imports.undo"
      size="xs"
      variant="default"
      title={`Undo “${data.name}”?`}
      message={`What it changed is put back. ${plural(data.counts.created, 'record')} that it created ${data.counts.created === 1 ? 'is' : 'are'} removed, but nobody who did something or was written to since. What was changed again stays as it is now.`}
      confirmLabel="Undo the import"
      onConfirm={confirm}
    >
      Undo
    </ConfirmButton>
  )
}

import type { Import, ImportReject } from '@fairway/api'
import { Button, Code, Group, Stack, Text, Title } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useId } from 'react'
import { rejectsFilePath, useImportRejects } from '../../api/imports.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { JsonPeek } from '../../components/json-peek.tsx'
import { formatNumber, plural } from '../../lib/format.ts'

/** Rows that were not taken, each with its place and its reason; as a file, to correct and to import again. */
export function Rejects({ project, data }: { project: string; data: Import }) {
  const id = useId()
  const rejects = useImportRejects(project, data)
  return (
    <Stack component="section" gap="sm" aria-labelledby={id}>
      <Group justify="space-between" align="flex-end">
        <div>
          <Title order={2} id={id}>
            Rejected rows
          </Title>
          <Text size="sm" c="dimmed" mt={2}>
            {takenWords(data)} Correct them in the file and import it again.
          </Text>
        </div>
        <Button
          component="a"
          href={rejectsFilePath(project, String(data.id))}
          download
          size="xs"
          variant="default"
          leftSection={<IconDownload size={15} aria-hidden />}
        >
          Download
        </Button>
      </Group>
      <div>
        <DataTable
          label="rejected rows"
          query={rejects}
          rowKey={({ line, column, reason }) => `${line} ${column} ${reason}`}
          columns={columns(data)}
          empty={
            <Text size="sm" c="dimmed" p="md">
              They will be listed in a moment.
            </Text>
          }
        />
      </div>
    </Stack>
  )
}

const columns = (data: Import): Column<ImportReject>[] => [
  { title: 'Reason', render: (reject) => <Text size="sm">{reasonWords(reject)}</Text> },
  { title: 'Line', align: 'right', width: 90, render: ({ line }) => formatNumber(line) },
  { title: 'Column', render: ({ column }) => (column ? <Code>{column}</Code> : '—') },
  {
    title: 'Row',
    render: ({ row, line }) => (
      <JsonPeek value={cellsOf(data, row)} label={`Line ${line}`}>
        Show
      </JsonPeek>
    ),
  },
]

/** Each cell beside its column; a row of another width as it came. */
const cellsOf = ({ columns }: Import, row: string[]): unknown =>
  row.length === columns.length
    ? Object.fromEntries(columns.map(({ name }, index) => [name, row[index]]))
    : row

/** Reasons are told of the column, "is not an email address", or of the line: "a quote opens that nothing closes". */
const reasonWords = ({ column, line, reason }: ImportReject): string => {
  if (!/^[a-z]/.test(reason)) return reason
  return column ? `${column} ${reason}` : `Line ${formatNumber(line)}: ${reason}`
}

function takenWords({ state, counts: { rejected, rows: all } }: Import): string {
  const rows = plural(rejected, 'row')
  const would = state === 'ready' || state === 'dry_run'
  if (rejected >= all) {
    const every = rejected === 1 ? 'The only row' : `None of the ${rows}`
    return would
      ? `${every} would ${rejected === 1 ? 'not ' : ''}be taken.`
      : `${every} was ${rejected === 1 ? 'not ' : ''}taken.`
  }
  if (would) return `${rows} would not be taken; the others would.`
  return `${rows} ${rejected === 1 ? 'was' : 'were'} not taken; the others were not held up.`
}

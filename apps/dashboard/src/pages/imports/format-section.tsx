import type { FileFormat, GivenFormat, Import } from '@fairway/api'
import { Alert, Checkbox, Group, Select, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useReadAgain } from '../../api/imports.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { Section } from '../../components/section.tsx'
import { plural } from '../../lib/format.ts'
import { delimiterChoices, encodingChoices, formatWords } from './format-words.ts'
import { PreviewTable } from './preview-table.tsx'

/** The first rows as the file was read, and what to change where they look wrong. */
export function FormatSection({ project, data }: { project: string; data: Import }) {
  const again = useReadAgain(project, String(data.id))
  const { file: _, ...wanted } = (again.isPending && again.variables) || {}
  return (
    <Section title="First rows" description={formatWords(data)}>
      <Stack>
        {data.format && (
          <FormatFields
            format={{ ...data.format, ...wanted }}
            disabled={again.isPending}
            onChange={again.mutate}
          />
        )}
        {again.error && <ErrorState title="The file can’t be read like this" error={again.error} />}
        {data.unread.length > 0 && (
          <Alert
            color="yellow"
            icon={<IconAlertTriangle aria-hidden />}
            title={`${plural(
              data.unread.reduce((sum, { rows }) => sum + rows, 0),
              'row',
            )} of the first can’t be read, and would be rejected`}
          >
            {data.unread.map(({ reason, rows }) => (
              <Text size="sm" key={reason}>
                {plural(rows, 'row')}: {reason}
              </Text>
            ))}
          </Alert>
        )}
        <PreviewTable columns={data.columns} rows={data.preview} />
      </Stack>
    </Section>
  )
}

interface FormatFieldsProps {
  format: FileFormat
  disabled: boolean
  onChange: (given: GivenFormat) => void
}

/** A change has the file read again at once. */
function FormatFields({ format, disabled, onChange }: FormatFieldsProps) {
  return (
    <Group align="flex-end" gap="sm">
      <Select
        label="Encoding"
        size="xs"
        w={230}
        searchable
        maxDropdownHeight={340}
        disabled={disabled}
        data={encodingChoices}
        value={format.encoding}
        onChange={(encoding) => encoding && onChange({ encoding })}
      />
      {format.type === 'csv' && (
        <>
          <Select
            label="Between cells"
            size="xs"
            w={130}
            disabled={disabled}
            data={delimiterChoices(format.delimiter)}
            value={format.delimiter}
            onChange={(delimiter) => delimiter && onChange({ delimiter })}
          />
          <Select
            label="Around cells"
            size="xs"
            w={150}
            disabled={disabled}
            data={[
              { value: '"', label: '" double quotes' },
              { value: "'", label: "' single quotes" },
            ]}
            value={format.quote}
            onChange={(quote) => quote && onChange({ quote })}
          />
          <Select
            label="Quotes inside of quotes"
            size="xs"
            w={190}
            disabled={disabled}
            data={[
              { value: 'doubled', label: 'Written twice' },
              { value: 'backslash', label: 'Behind a backslash' },
            ]}
            value={format.quoteEscape}
            onChange={(quoteEscape) =>
              quoteEscape && onChange({ quoteEscape: quoteEscape as FileFormat['quoteEscape'] })
            }
          />
          <Checkbox
            label="The first row names the columns"
            size="xs"
            pb={6}
            disabled={disabled}
            checked={format.header}
            onChange={(event) => onChange({ header: event.currentTarget.checked })}
          />
        </>
      )}
    </Group>
  )
}

import type { ImportColumn, ImportKind, Target, ValueType } from '@fairway/api'
import { Group, Select, Table, Text, TextInput } from '@mantine/core'
import classes from './column-table.module.css'
import { isTime, targetsOf } from './import-words.ts'

const types: { value: ValueType; label: string }[] = [
  { value: 'text', label: 'Text' },
  { value: 'number', label: 'Number' },
  { value: 'boolean', label: 'True or false' },
  { value: 'date', label: 'Date' },
  { value: 'serial_date', label: 'Spreadsheet date (46387)' },
  { value: 'json', label: 'JSON' },
]

const timeTypes = types.filter(({ value }) => value === 'date' || value === 'serial_date')

interface ColumnTableProps {
  kind: ImportKind
  columns: ImportColumn[]
  mapping: Record<string, Target>
  onChange: (column: string, target: Target) => void
}

/** The file's columns, and what each becomes. */
export function ColumnTable({ kind, columns, mapping, onChange }: ColumnTableProps) {
  return (
    <Table aria-label="Columns" verticalSpacing="xs" className={classes.table}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Column</Table.Th>
          <Table.Th>Becomes</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {columns.map((column) => (
          <Table.Tr key={column.name}>
            <Table.Td>
              <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
                {column.name}
              </Text>
              <Text size="xs" c="dimmed" lineClamp={1}>
                {column.samples.join(', ')}
              </Text>
            </Table.Td>
            <Table.Td>
              <TargetFields
                kind={kind}
                column={column.name}
                target={mapping[column.name] ?? { to: 'ignore' }}
                onChange={(target) => onChange(column.name, target)}
              />
              {isDoubtful(column, mapping[column.name]) && (
                <Text size="xs" c="red" mt={4}>
                  It {column.warning}.
                </Text>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

const isDoubtful = ({ warning, guess, mayBeDates }: ImportColumn, target: Target = { to: 'ignore' }) =>
  warning !== undefined && target.to === guess.to && !(mayBeDates && target.type === 'date')

interface TargetFieldsProps {
  kind: ImportKind
  column: string
  target: Target
  onChange: (target: Target) => void
}

function TargetFields({ kind, column, target, onChange }: TargetFieldsProps) {
  const [, prefix, name] = /^(property:|topic:)?(.*)$/s.exec(target.to)!
  const choose = (to: string) =>
    onChange(to.endsWith(':') ? { ...target, to: to + (name && prefix ? name : column) } : { ...target, to })
  return (
    <Group gap="xs">
      <Select
        aria-label={`${column} becomes`}
        size="xs"
        w={170}
        maxDropdownHeight={340}
        data={targetsOf(kind).filter(({ items }) => items.length > 0)}
        value={prefix ?? target.to}
        onChange={(to) => to && choose(to)}
      />
      {prefix && (
        <TextInput
          aria-label={`Name for ${column}`}
          size="xs"
          w={180}
          value={name}
          onChange={(event) => onChange({ ...target, to: prefix + event.currentTarget.value })}
        />
      )}
      {(prefix === 'property:' || isTime(target.to)) && (
        <Select
          aria-label={`Type of ${column}`}
          size="xs"
          w={prefix ? 150 : 180}
          data={prefix ? types : timeTypes}
          value={prefix || target.type === 'serial_date' ? (target.type ?? 'text') : 'date'}
          onChange={(type) => onChange({ ...target, type: type as ValueType })}
        />
      )}
    </Group>
  )
}

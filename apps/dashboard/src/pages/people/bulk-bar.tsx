import type { Person } from '@fairway/api'
import { Button, Checkbox, Group, Menu } from '@mantine/core'
import { IconChevronDown } from '@tabler/icons-react'
import { useState } from 'react'
import type { BulkPeople, PeopleFilter } from '../../api/people.ts'
import { useMay } from '../../api/rights.ts'
import { plural } from '../../lib/format.ts'
import { ExportPeople } from '../exports/new-export.tsx'
import { type BulkKind, bulkKinds } from './bulk-actions.ts'
import { BulkDialog } from './bulk-dialog.tsx'
import { type Matches, matchesWords } from './matches.ts'
import { isFiltered } from './people-search.ts'

interface BulkBarProps {
  project: string
  rows: Person[]
  /** What all of them have in common; undefined when only those that are shown can be named. */
  matching: PeopleFilter | undefined
  /** How many people that are; undefined until it is known. */
  matches: Matches | undefined
  selected: number[]
  onSelect: (ids: number[]) => void
}

/** On those who are selected; with nobody selected, on all that match. */
export function BulkBar({ project, rows, matching, matches, selected, onSelect }: BulkBarProps) {
  const [kind, setKind] = useState<BulkKind>()
  const may = useMay()
  const withheld = bulkKinds.filter(({ right }) => !may(right))
  const number = matches ? matchesWords(matches) : undefined
  const toItem = ({ kind: each, label, grave, right }: (typeof bulkKinds)[number]) => (
    <Menu.Item
      key={each}
      color={grave ? 'red' : undefined}
      disabled={!may(right)}
      onClick={() => setKind(each)}
    >
      {label}…
    </Menu.Item>
  )
  const some = selected.length > 0
  const all = selected.length === rows.length
  const usable = some || matching !== undefined
  const what = some
    ? plural(selected.length, 'person', 'people')
    : matching && isFiltered(matching)
      ? 'everybody who matches'
      : 'everybody in this project'
  return (
    <Group justify="space-between" gap="xs">
      <Checkbox
        label={some ? `${selected.length} selected` : 'Select all that are shown'}
        checked={all}
        indeterminate={some && !all}
        onChange={() => onSelect(all ? [] : rows.map(({ id }) => id))}
      />
      <Group gap="xs">
        {!some && matching && (
          <ExportPeople project={project} filter={matching} size="xs">
            {`Export ${what}`}
          </ExportPeople>
        )}
        <Menu position="bottom-end" width={240}>
          <Menu.Target>
            <Button
              variant="default"
              size="xs"
              disabled={!usable}
              rightSection={<IconChevronDown size={14} aria-hidden />}
            >
              {some ? 'Change the selected' : `Change ${what}`}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {bulkKinds.filter(({ right }) => may(right)).map(toItem)}
            {withheld.length > 0 && <Menu.Label>Only for administrators</Menu.Label>}
            {withheld.map(toItem)}
          </Menu.Dropdown>
        </Menu>
      </Group>
      <BulkDialog
        project={project}
        kind={kind}
        what={some || !number ? what : `${what} (${number})`}
        people={some ? { ids: selected } : toPeople(matching ?? {})}
        onClose={() => setKind(undefined)}
        onStarted={() => onSelect([])}
      />
    </Group>
  )
}

function toPeople({ segment, conditions }: PeopleFilter): BulkPeople {
  if (segment !== undefined && conditions) return { conditions: { all: [{ segment }, conditions] } }
  if (segment !== undefined) return { segment }
  return conditions ? { conditions } : { everybody: true }
}

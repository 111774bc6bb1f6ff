import { Button, Drawer, Group, Select, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconFilter, IconX } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { SkeletonLines } from '../../components/query-view.tsx'
import type { Condition } from '../../conditions/language.ts'
import { useNamed, useNames } from '../../conditions/use-names.ts'
import { describeConditions } from '../../conditions/words.ts'
import { conditionsOf, type PeopleSearch } from './people-search.ts'
import { SaveAsSegment } from './save-as-segment.tsx'

// The builder of conditions is large, and most look at the list alone.
const FilterForm = lazy(() => import('./filter-form.tsx'))

interface PeopleFiltersProps {
  project: string
  search: PeopleSearch
  onChange: (search: PeopleSearch) => void
}

/** Who is shown: those in a segment, and those who match conditions. Words in the search field look at everybody. */
export function PeopleFilters({ project, search, onChange }: PeopleFiltersProps) {
  const { segments } = useNamed(project)
  const names = useNames(project)
  const [opened, drawer] = useDisclosure(false)
  const conditions = conditionsOf(search.conditions)
  const { segment } = search
  const apply = (next: Condition | null) => {
    onChange({ segment, ...(next && { conditions: JSON.stringify(next) }) })
    drawer.close()
  }
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Select
          aria-label="In the segment"
          size="sm"
          w={240}
          searchable
          data={[
            { value: '', label: 'Every segment and none' },
            ...segments.map(({ id, name }) => ({ value: String(id), label: name })),
          ]}
          value={segment ?? ''}
          onChange={(id) => onChange({ conditions: search.conditions, segment: id ?? '' })}
        />
        <Button
          variant={conditions ? 'light' : 'default'}
          leftSection={<IconFilter size={16} aria-hidden />}
          onClick={drawer.open}
        >
          {conditions ? 'Change the conditions' : 'Filter by conditions'}
        </Button>
        {conditions && (
          <>
            <Button
              variant="subtle"
              color="gray"
              leftSection={<IconX size={16} aria-hidden />}
              onClick={() => onChange({ segment })}
            >
              Clear
            </Button>
            <SaveAsSegment project={project} conditions={withSegment(conditions, segment)} />
          </>
        )}
      </Group>
      {conditions && (
        <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {describeConditions(conditions, names)}
        </Text>
      )}
      <Drawer opened={opened} onClose={drawer.close} title="Filter by conditions" position="right" size="xl">
        <Suspense fallback={<SkeletonLines />}>
          <FilterForm project={project} initial={conditions ?? null} onApply={apply} />
        </Suspense>
      </Drawer>
    </Stack>
  )
}

/** What is shown, as conditions alone. */
const withSegment = (conditions: Condition, segment: string | undefined): Condition =>
  segment ? { all: [{ segment: Number(segment) }, conditions] } : conditions

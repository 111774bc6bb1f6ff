import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { asBuilt, ConditionBuilder } from '../../conditions/condition-builder.tsx'
import type { Condition } from '../../conditions/language.ts'

interface FilterFormProps {
  project: string
  initial: Condition | null
  onApply: (conditions: Condition | null) => void
}

export default function FilterForm({ project, initial, onApply }: FilterFormProps) {
  const [built, setBuilt] = useState(asBuilt(initial))
  return (
    <Stack>
      <ConditionBuilder
        project={project}
        initial={initial}
        onChange={setBuilt}
        everybody="Without conditions everybody is shown."
      />
      <Group>
        <Button disabled={built.problem !== undefined} onClick={() => onApply(built.conditions)}>
          Show who matches
        </Button>
        {built.problem && (
          <Text size="sm" c="dimmed">
            {built.problem}.
          </Text>
        )}
      </Group>
    </Stack>
  )
}

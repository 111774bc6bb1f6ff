import type { Import } from '@fairway/api'
import { Badge, Tooltip } from '@mantine/core'
import { wordsOf } from './import-words.ts'

export function ImportStateBadge({ of }: { of: Import }) {
  const { label, color, meaning } = wordsOf(of)
  return (
    <Tooltip label={meaning}>
      <Badge color={color} variant="dot" tt="none" fw={550} miw="max-content">
        {label}
      </Badge>
    </Tooltip>
  )
}

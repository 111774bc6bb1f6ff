import { Badge, Tooltip } from '@mantine/core'
import type { ImportState } from '../../api/imports.ts'
import { importStates } from './import-words.ts'

export const ImportStateBadge = ({ state }: { state: ImportState }) => (
  <Tooltip label={importStates[state].meaning}>
    <Badge color={importStates[state].color} variant="dot" tt="none" fw={550} miw="max-content">
      {importStates[state].label}
    </Badge>
  </Tooltip>
)

import { Badge } from '@mantine/core'
import { IconHandStop } from '@tabler/icons-react'
import type { Segment } from '../../api/segments.ts'

export const KindBadge = ({ kind }: { kind: Segment['kind'] }) =>
  kind === 'manual' ? (
    <Badge variant="light" color="gray" tt="none" leftSection={<IconHandStop size={12} aria-hidden />}>
      By hand
    </Badge>
  ) : (
    <Badge variant="light" tt="none">
      By conditions
    </Badge>
  )

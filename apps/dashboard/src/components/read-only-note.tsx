import { Alert } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useMay } from '../api/rights.ts'
import type { ProjectRight } from '../api/types.ts'
import { notAllowed } from './needs-right.tsx'

/** Over what somebody may read and not change: says so before they try. Nothing for those who may. */
export function ReadOnlyNote({ right, what }: { right: ProjectRight; what: string }) {
  const may = useMay()
  if (may(right)) return null
  return (
    <Alert color="gray" icon={<IconLock aria-hidden />} title={`You can read ${what}`} mb="md">
      {notAllowed.replace('do this', 'change them')}
    </Alert>
  )
}

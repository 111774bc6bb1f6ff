import { Box, Tooltip } from '@mantine/core'
import { cloneElement } from 'react'
import { useMay } from '../api/rights.ts'
import type { ProjectRight } from '../api/types.ts'

export const notAllowed = 'Only owners and administrators may do this.'

interface NeedsRightProps {
  right: ProjectRight | undefined
  /** A button, which is disabled for those without the right, and says why. */
  children: React.ReactElement<{ disabled?: boolean }>
}

export function NeedsRight({ right, children }: NeedsRightProps) {
  const may = useMay()
  if (right === undefined || may(right)) return children
  return (
    <Tooltip label={notAllowed} events={{ hover: true, focus: true, touch: true }}>
      {/* A disabled button takes neither the pointer nor the focus: the reason would be out of reach. */}
      <Box component="span" display="inline-block" tabIndex={0} role="group" aria-label={notAllowed}>
        {cloneElement(children, { disabled: true })}
      </Box>
    </Tooltip>
  )
}

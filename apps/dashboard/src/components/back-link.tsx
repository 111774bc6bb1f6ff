import { Anchor } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { createLink } from '@tanstack/react-router'

/** The way from one thing back to the list of its kind. */
export const BackLink = createLink(({ children, ...props }: React.ComponentProps<'a'>) => (
  <Anchor
    {...props}
    size="sm"
    c="dimmed"
    display="inline-flex"
    mb={6}
    style={{ alignItems: 'center', gap: 4 }}
  >
    <IconArrowLeft size={14} aria-hidden />
    {children}
  </Anchor>
))

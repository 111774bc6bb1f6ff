import { Alert, Anchor } from '@mantine/core'
import { IconLogin2 } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { sessionQuery } from '../api/session.ts'
import { useAnyUnsaved } from '../lib/unsaved-forms.ts'

/** The session ended while something was typed: that is kept, and can be saved after signing in elsewhere. */
export function SignedOutNote({ className }: { className?: string }) {
  const ended = useQuery(sessionQuery).data === null
  const unsaved = useAnyUnsaved()
  if (!ended || !unsaved) return null
  return (
    <Alert
      role="alert"
      mb="md"
      color="red"
      icon={<IconLogin2 aria-hidden />}
      title="You have been signed out."
      className={className}
    >
      What you typed is still here:{' '}
      <Anchor href="/sign-in" target="_blank" rel="noopener" inherit>
        sign in in another tab
      </Anchor>
      , then save again.
    </Alert>
  )
}

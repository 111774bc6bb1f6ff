import { Button, Group, Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { Dialog } from '../components/dialog.tsx'
import { useReportUnsaved } from './unsaved-forms.ts'

interface Unsaved {
  /** To be shown by the form: asks before changes are left behind. */
  guard: React.ReactNode
  /** What was there when it was called is saved now; or this, which the form shows from now on. */
  markSaved: (shown?: unknown) => void
  /** For what closes the form without leaving the page: does it at once, or after asking. */
  leave: (how: () => void) => void
}

/** Whether a draft has changes that were not saved; then leaving the page, its tab, or the console, asks first. */
export function useUnsaved(draft: unknown): Unsaved {
  const now = JSON.stringify(draft)
  const [saved, setSaved] = useState(now)
  const [leaving, setLeaving] = useState<{ how: () => void }>()
  // Who saves goes on to another page before the next render.
  const isDirty = useRef(false)
  isDirty.current = now !== saved
  useReportUnsaved(now !== saved)
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => isDirty.current && placeOf(current) !== placeOf(next),
    enableBeforeUnload: () => isDirty.current,
    withResolver: true,
  })
  const markSaved = (shown: unknown = draft) => {
    isDirty.current = false
    setSaved(JSON.stringify(shown))
  }
  const stay = () => {
    blocker.reset?.()
    setLeaving(undefined)
  }
  const go = () => {
    blocker.proceed?.()
    leaving?.how()
    setLeaving(undefined)
  }
  const guard = (
    <Dialog
      opened={blocker.status === 'blocked' || leaving !== undefined}
      onClose={stay}
      title="Leave without saving?"
    >
      <Text size="sm">What you changed here is lost then.</Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={stay} data-autofocus>
          Stay
        </Button>
        <Button color="red" onClick={go}>
          Leave
        </Button>
      </Group>
    </Dialog>
  )
  const leave = (how: () => void) => {
    if (!isDirty.current) return how()
    // Later, so that the Escape that asks is not taken for the answer as well.
    setTimeout(() => setLeaving({ how }))
  }
  return { guard, markSaved, leave }
}

/** A page, or a tab of it. */
const placeOf = ({ pathname, search }: { pathname: string; search: object }) =>
  `${pathname} ${(search as { tab?: string }).tab ?? ''}`

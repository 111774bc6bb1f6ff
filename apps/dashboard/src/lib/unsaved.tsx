import { Button, Group, Modal, Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { useRef, useState } from 'react'

interface Unsaved {
  /** To be shown by the form: asks before changes are left behind. */
  guard: React.ReactNode
  /** What was there when it was called is saved now. */
  markSaved: () => void
}

/** Whether a draft has changes that were not saved; then leaving the page, or the console, asks first. */
export function useUnsaved(draft: unknown): Unsaved {
  const now = JSON.stringify(draft)
  const [saved, setSaved] = useState(now)
  // Who saves goes on to another page before the next render.
  const isDirty = useRef(false)
  isDirty.current = now !== saved
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => isDirty.current && current.pathname !== next.pathname,
    enableBeforeUnload: () => isDirty.current,
    withResolver: true,
  })
  const markSaved = () => {
    isDirty.current = false
    setSaved(now)
  }
  const guard = (
    <Modal
      opened={blocker.status === 'blocked'}
      onClose={() => blocker.reset?.()}
      title="Leave without saving?"
    >
      <Text size="sm">What you changed on this page is lost then.</Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => blocker.reset?.()} data-autofocus>
          Stay
        </Button>
        <Button color="red" onClick={() => blocker.proceed?.()}>
          Leave
        </Button>
      </Group>
    </Modal>
  )
  return { guard, markSaved }
}

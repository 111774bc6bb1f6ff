import { Anchor } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Dialog } from './dialog.tsx'
import { JsonView } from './json-view.tsx'

/** A short line that opens the whole JSON in a dialog. */
export function JsonPeek({
  value,
  label,
  children,
}: {
  value: unknown
  label: string
  children: React.ReactNode
}) {
  const [opened, dialog] = useDisclosure(false)
  return (
    <>
      <Anchor
        component="button"
        type="button"
        size="sm"
        c="dimmed"
        ta="left"
        onClick={dialog.open}
        aria-haspopup="dialog"
      >
        {children}
      </Anchor>
      <Dialog opened={opened} onClose={dialog.close} title={label} size="lg">
        <JsonView value={value} label={label} maxHeight="60vh" />
      </Dialog>
    </>
  )
}

import { Button, Modal } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
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
      <Button variant="subtle" color="gray" size="compact-xs" onClick={dialog.open} aria-haspopup="dialog">
        {children}
      </Button>
      <Modal opened={opened} onClose={dialog.close} title={label} size="lg">
        <JsonView value={value} label={label} maxHeight="60vh" />
      </Modal>
    </>
  )
}

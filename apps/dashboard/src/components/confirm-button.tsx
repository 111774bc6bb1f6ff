import { Button, type ButtonProps, Group, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { ProjectRight } from '../api/types.ts'
import { Dialog } from './dialog.tsx'
import { NeedsRight } from './needs-right.tsx'

interface ConfirmButtonProps extends ButtonProps {
  children: string
  /** The question, and what happens after yes. */
  title: string
  message: React.ReactNode
  confirmLabel: string
  /** Default: red, for what cannot be taken back. */
  confirmColor?: string
  /** Those without it can't press the button. */
  needs?: ProjectRight
  onConfirm: () => Promise<unknown>
}

/** A button whose action reaches far or cannot be taken back: asks first. */
export function ConfirmButton({
  title,
  message,
  confirmLabel,
  confirmColor = 'red',
  needs,
  onConfirm,
  children,
  ...button
}: ConfirmButtonProps) {
  const [opened, dialog] = useDisclosure(false)
  const [pending, setPending] = useDisclosure(false)
  const confirm = async () => {
    setPending.open()
    try {
      await onConfirm()
      dialog.close()
    } catch {
      // The mutation's own onError has told it; the dialog stays open for another try.
    } finally {
      setPending.close()
    }
  }
  return (
    <>
      <NeedsRight right={needs}>
        <Button {...button} onClick={dialog.open}>
          {children}
        </Button>
      </NeedsRight>
      <Dialog opened={opened} onClose={dialog.close} title={title}>
        <Text size="sm">{message}</Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={dialog.close} data-autofocus>
            Cancel
          </Button>
          <Button color={confirmColor} loading={pending} onClick={confirm}>
            {confirmLabel}
          </Button>
        </Group>
      </Dialog>
    </>
  )
}

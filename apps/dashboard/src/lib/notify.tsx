import { Anchor, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'

interface Undo {
  label: string
  onClick: () => void
}

const show = (color: string, title: string, message?: string, undo?: Undo) => {
  const id = notifications.show({
    color,
    title,
    message: undo ? (
      <>
        {message && <Text size="sm">{message}</Text>}
        <Anchor
          component="button"
          type="button"
          size="sm"
          onClick={() => {
            notifications.hide(id)
            undo.onClick()
          }}
        >
          {undo.label}
        </Anchor>
      </>
    ) : (
      (message ?? '')
    ),
    ...(undo && { autoClose: 15_000 }),
    closeButtonProps: { 'aria-label': 'Dismiss' },
  })
}

/** With what takes it back, where something does. */
export const notifySuccess = (title: string, message?: string, undo?: Undo) =>
  show('lagoon', title, message, undo)

/** For a failed action. A failed page shows an ErrorState instead. */
export const notifyError = (title: string, error: unknown) =>
  show('red', title, error instanceof Error ? error.message : String(error))

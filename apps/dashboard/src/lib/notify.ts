import { notifications } from '@mantine/notifications'

const show = (color: string, title: string, message?: string) =>
  notifications.show({ color, title, message: message ?? '', closeButtonProps: { 'aria-label': 'Dismiss' } })

export const notifySuccess = (title: string, message?: string) => show('lagoon', title, message)

/** For a failed action. A failed page shows an ErrorState instead. */
export const notifyError = (title: string, error: unknown) =>
  show('red', title, error instanceof Error ? error.message : String(error))

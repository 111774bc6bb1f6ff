import { Box, Button, Tooltip } from '@mantine/core'
import { useTryNow } from '../api/messages.ts'
import { notifyError, notifySuccess } from '../lib/notify.tsx'
import { NeedsRight } from './needs-right.tsx'
import { mails } from './waiting-mail.tsx'

interface TryNowProps {
  project: string
  /** Which mail; left out: all of the project. */
  provider?: number
  message?: string
  /** None of it may be tried now. */
  disabled: boolean
}

const whyNot = 'It was tried in the last two minutes, or is about to be.'

/** For after a server was repaired: nobody has to wait for the next try. */
export function TryNow({ project, provider, message, disabled }: TryNowProps) {
  const attempt = useTryNow(project)
  const tryNow = () =>
    attempt.mutate(
      { provider, message },
      {
        onSuccess: ({ count, more }) =>
          count === 0
            ? notifySuccess('Nothing to try just now', whyNot)
            : notifySuccess(
                `${mails({ count, more })} being tried now`,
                'What fails again is tried when it was due.',
              ),
        onError: (error) => notifyError('Could not try them', error),
      },
    )
  const button = (
    <Button
      size="compact-sm"
      variant="light"
      color="buoy"
      loading={attempt.isPending}
      disabled={disabled}
      onClick={tryNow}
    >
      Try now
    </Button>
  )
  if (!disabled) return <NeedsRight right="messages.send">{button}</NeedsRight>
  return (
    <Tooltip label={whyNot} events={{ hover: true, focus: true, touch: true }}>
      {/* A disabled button takes neither the pointer nor the focus: the reason would be out of reach. */}
      <Box component="span" display="inline-block" tabIndex={0} role="group" aria-label={whyNot}>
        {button}
      </Box>
    </Tooltip>
  )
}

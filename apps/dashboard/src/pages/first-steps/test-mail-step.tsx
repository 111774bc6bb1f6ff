import { Button, Group, Text } from '@mantine/core'
import { IconMailForward } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useSendTestMail } from '../../api/messages.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { ButtonLink } from '../../components/links.tsx'
import { notifySuccess } from '../../lib/notify.tsx'
import { Step } from './step.tsx'

/** A first mail through the whole path: message row, queue, worker, mailbox. */
export function TestMailStep({ project }: { project: string }) {
  const send = useSendTestMail(project)
  const navigate = useNavigate()
  const start = () =>
    send.mutate(undefined, {
      onSuccess: () => {
        notifySuccess('Test mail accepted', 'It shows in the mailbox in a moment.')
        navigate({ to: '/projects/$project/mailbox', params: { project } })
      },
    })
  return (
    <Step
      number={4}
      title="Send a mail and read it"
      description="In test mode mail goes to the test address. Without one it does not leave: it lands in the mailbox of this project."
      done={send.isSuccess}
    >
      <Group gap="xs" mb={send.error ? 'md' : 0}>
        <Button
          leftSection={<IconMailForward size={16} aria-hidden />}
          loading={send.isPending}
          onClick={start}
        >
          Send a test mail
        </Button>
        <ButtonLink variant="default" to="/projects/$project/mailbox" params={{ project }}>
          Open the mailbox
        </ButtonLink>
      </Group>
      {send.error && <ErrorState title="The test mail was not accepted" error={send.error} />}
      <Text size="xs" c="dimmed" mt="sm">
        It goes the way of every message: a row before the send, the queue, a worker, the channel.
      </Text>
    </Step>
  )
}

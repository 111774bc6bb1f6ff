import type { ProjectSettings } from '@fairway/api'
import { Alert, Button, Group, List, Text } from '@mantine/core'
import { useEveryCampaign } from '../../api/campaigns.ts'
import { useProjectQueue } from '../../api/queue.ts'
import { useDomains, useProviders } from '../../api/settings.ts'
import { useEveryTemplate } from '../../api/templates.ts'
import { Dialog } from '../../components/dialog.tsx'
import { AnchorLink } from '../../components/links.tsx'
import { mails } from '../../components/waiting-mail.tsx'
import { plural } from '../../lib/format.ts'

interface GoLiveDialogProps {
  project: string
  settings: ProjectSettings
  onCancel: () => void
  onConfirm: () => void
}

/** Asks before a project sends to real people, with all that is known not to work yet. */
export function GoLiveDialog({ project, settings, onCancel, onConfirm }: GoLiveDialogProps) {
  const problems = useProblems(project, settings)
  const held = useProjectQueue(project).data?.waiting.live
  const providers = useProviders(project).data
  const leaves = settings.installationProvider === true || providers?.some(({ active }) => active) === true
  return (
    <Dialog onClose={onCancel} title={`Make ${settings.name} live?`}>
      <Text size="sm">
        From now on campaigns that are live and messages sent through the API leave for their recipients. Mail
        that was made in test mode never does: what waits for its time then goes to{' '}
        {settings.testAddress ?? 'the mailbox'}.
      </Text>
      {held && held.count > 0 && (
        <Text size="sm" mt="sm" fw={550}>
          <AnchorLink
            size="sm"
            to="/projects/$project/messages"
            params={{ project }}
            search={{ state: 'waiting' }}
            target="_blank"
          >
            {mails(held)} made while it was live
          </AnchorLink>{' '}
          {leaves ? (held.count === 1 ? 'leaves now.' : 'leave now.') : 'then wait for an SMTP server.'}
        </Text>
      )}
      {problems.length > 0 && (
        <Alert color="buoy" mt="md" title="What will not work yet">
          <List size="sm" spacing={4}>
            {problems.map((problem) => (
              <List.Item key={problem}>{problem}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onCancel} data-autofocus>
          Cancel
        </Button>
        <Button color={problems.length > 0 ? 'red' : undefined} onClick={onConfirm}>
          Make it live{problems.length > 0 && ' all the same'}
        </Button>
      </Group>
    </Dialog>
  )
}

/** As far as the project's settings tell; what is not known yet is no problem. */
function useProblems(project: string, { installationProvider }: ProjectSettings): string[] {
  const providers = useProviders(project).data
  const domains = useDomains(project).data
  const campaigns = useEveryCampaign(project).data ?? []
  const templates = useEveryTemplate(project).data
  const problems: string[] = []
  const provider = providers?.find(({ active }) => active)
  if (providers && !provider && !installationProvider)
    problems.push(
      providers.length === 0
        ? 'There is no SMTP server: mail waits until there is one. Add one under Sending.'
        : 'No SMTP server is in use: mail waits until one is. Choose one under Sending.',
    )
  if (provider && !provider.lastTest)
    problems.push('The SMTP server was never tested with the settings it has. Send a test under Sending.')
  if (provider?.lastTest?.error)
    problems.push(`The last test of the SMTP server failed: ${provider.lastTest.error}`)
  const waiting = provider?.retrying?.count ?? 0
  if (waiting > 0)
    problems.push(
      `${plural(waiting, 'mail')} could not be sent through the SMTP server yet: ${provider!.retrying!.reasons[0]?.reason.replace(/^will be tried again: /, '')}`,
    )
  const withSender = new Set(templates?.filter(({ fromAddress }) => fromAddress).map(({ id }) => id))
  const senderless = campaigns.filter(
    ({ state, templateId }) => state === 'live' && !withSender.has(templateId),
  )
  if (templates && senderless.length > 0)
    problems.push(
      `${plural(senderless.length, 'live campaign')} without a sender: ${senderless.map(({ name }) => name).join(', ')}.`,
    )
  if (domains?.length === 0)
    problems.push('No domain signs the mail (DKIM): many inboxes take it for spam. Add one under Domains.')
  return problems
}

import type { ListedProvider, SendingNow } from '@fairway/api'
import { useProjectQueue } from '../../api/queue.ts'
import { useSettings } from '../../api/settings.ts'
import { mails, mailsWait } from '../../components/waiting-mail.tsx'

const nameOf = ({ name, config }: ListedProvider) => name || config.host

/** What it means to send through another server; no question where nothing leaves for real people. */
export function useSwitchWords(project: string, provider: ListedProvider) {
  const isLive = useSettings(project).data?.mode === 'live'
  const { lastTest } = provider
  const isTested = lastTest !== null && lastTest.error === null
  const test = lastTest === null ? 'It was never tested with the settings it has' : 'Its last test failed'
  return {
    isTested,
    question: isLive
      ? `The project is live: all its mail leaves through ${nameOf(provider)} at once. ${
          isTested ? 'Its last test was accepted.' : `${test}: send a test first.`
        }`
      : undefined,
    done: isLive
      ? 'Mail now leaves through this server'
      : 'This server is used. The project is in test mode: mail goes to the test address or the mailbox.',
  }
}

/** What becomes of mail when a server is removed. */
export function useRemovalWords(project: string, provider: ListedProvider, all: ListedProvider[]): string {
  const settings = useSettings(project).data
  const queue = useProjectQueue(project).data
  if (!provider.active) return 'It is not in use: mail leaves as before.'
  if (settings?.installationProvider) return 'Mail then leaves through the SMTP server of this installation.'
  const others = all.filter((other) => other !== provider).map(nameOf)
  const choice =
    others.length > 0
      ? ` You have ${others.join(', ')}: choose “Use this one” there first, and no mail has to wait.`
      : ''
  if (settings?.mode === 'test')
    return `No other is in use: mail of the test mode then goes to the mailbox.${choice}`
  const { count = 0, more = false } = queue?.retrying ?? {}
  const what =
    count > 0
      ? `${mails({ count, more })} that could not be sent yet, and all new mail, then wait`
      : 'new mail then waits'
  return `No other is in use: ${what} until you use another.${choice}`
}

/** After it was removed, where mail is left without a way. */
export function afterwards({ through, waits, others }: SendingNow): string | undefined {
  if (through !== null) return undefined
  const one = others.length === 1 ? 'the other server' : `one of the ${others.length} others`
  const choice = others.length > 0 ? ` Choose “Use this one” at ${one}.` : ''
  return waits.count > 0
    ? `No SMTP server is in use: ${mailsWait(waits)}.${choice}`
    : `No SMTP server is in use.${choice}`
}

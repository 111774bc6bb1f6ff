import { domainOf } from '../../../platform/email-address.ts'
import type { Mailbox } from '../../addresses/addresses.ts'
import { renderMail } from '../../templates/render.ts'
import { enterPart } from '../../templates/render-position.ts'
import { buildScope } from '../../templates/scope.ts'
import { type Sender, senderProblem } from '../../templates/sender.ts'
import { TemplateError } from '../../templates/template-error.ts'
import type { ComposedMail, ComposeItem, ComposeShared } from './compose-work.ts'
import type { DkimKey } from './mail.ts'
import { composeMessage } from './mime.ts'

/** From the template to the bytes that leave. Throws {@link TemplateError} with what its author has to change. */
export async function composeMail(shared: ComposeShared, item: ComposeItem): Promise<ComposedMail> {
  const { scope, to, bcc, headers, attachments } = item
  const rendered = renderMail(shared.sources[item.source]!, buildScope(scope))
  enterPart('mail')
  const from = senderOf(rendered.from, shared, item)
  if (!rendered.subject) throw new TemplateError('subject', 'is empty')
  if (!rendered.html && !rendered.text) throw new TemplateError('html', 'is empty')
  const replyTo = replyToOf(rendered.replyTo, shared)
  const domain = domainOf(from.address)
  const source = await composeMessage({
    messageId: `<${scope.messageId}.${shared.projectId}@${domain}>`,
    from,
    to: to.map((address) => ({ name: item.names?.[address] ?? '', address })),
    replyTo,
    subject: rendered.subject,
    html: rendered.html,
    text: rendered.text,
    headers: { ...rendered.headers, ...headers },
    attachments,
    date: shared.date,
    dkim: keyFor(shared.keys, domain),
  })
  // Somebody who is in both gets it once.
  const recipients = new Set([...to, ...bcc].filter((address) => item.left?.includes(address) ?? true))
  return { envelope: { from: from.address, to: [...recipients] }, subject: rendered.subject, source }
}

const sandboxSender = 'sandbox@fairway.invalid'

function senderOf(sender: Sender, shared: ComposeShared, item: ComposeItem): Mailbox {
  const problem = senderProblem('from', sender, shared.senders)
  if (problem !== undefined) {
    throw new TemplateError('from', `"${shortened(sender.text)}" is not one address: ${problem}`)
  }
  const [from] = sender.mailboxes ?? []
  if (from) return from
  if (item.staysHere) return { name: shared.projectName, address: sandboxSender }
  throw new TemplateError('from', 'is missing: give the template a sender address')
}

function replyToOf(sender: Sender, shared: ComposeShared): Mailbox[] | undefined {
  const problem = senderProblem('reply_to', sender, shared.senders)
  if (problem === undefined) return sender.mailboxes
  throw new TemplateError('reply_to', `"${shortened(sender.text)}" is not an address: ${problem}`)
}

const shortened = (value: string) => (value.length > 200 ? `${value.slice(0, 200)}…` : value)

/** Of the domain itself, or of the closest domain above it that has one. */
const keyFor = (keys: DkimKey[], sender: string): DkimKey | undefined =>
  keys
    .filter(({ domain }) => sender === domain || sender.endsWith(`.${domain}`))
    .sort((a, b) => b.domain.length - a.domain.length)[0]

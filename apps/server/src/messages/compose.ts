import type { DkimKey } from '../channels/mail.ts'
import { composeMessage } from '../channels/mime.ts'
import { domainOf } from '../email-address.ts'
import { enterPart } from '../templates/place.ts'
import { renderMail } from '../templates/render.ts'
import { buildScope } from '../templates/scope.ts'
import type { Sender } from '../templates/sender.ts'
import { TemplateError } from '../templates/template-error.ts'
import type { Mailbox } from './addresses.ts'
import type { ComposedMail, ComposeItem, ComposeShared } from './work.ts'

/** From the template to the bytes that leave. Throws {@link TemplateError} with what its author has to change. */
export async function composeMail(shared: ComposeShared, item: ComposeItem): Promise<ComposedMail> {
  const { scope, to, bcc, headers, attachments } = item
  const rendered = renderMail(shared.sources[item.source]!, buildScope(scope))
  enterPart('mail')
  const from = senderOf(rendered.from, shared, item)
  if (!rendered.subject) throw new TemplateError('subject', 'is empty')
  if (!rendered.html && !rendered.text) throw new TemplateError('html', 'is empty')
  const { text: replyText, mailboxes: replyTo } = rendered.replyTo
  if (replyText && !replyTo)
    throw new TemplateError('reply_to', `"${shortened(replyText)}" is not an address`)
  const domain = domainOf(from.address)
  const source = await composeMessage({
    messageId: `<${scope.messageId}.${shared.projectId}@${domain}>`,
    from,
    to,
    replyTo,
    subject: rendered.subject,
    html: rendered.html,
    text: rendered.text,
    headers: { ...rendered.headers, ...headers },
    attachments,
    date: shared.date,
    dkim: keyFor(shared.keys, domain),
  })
  const recipients = [...to, ...bcc].filter((address) => item.left?.includes(address) ?? true)
  return { envelope: { from: from.address, to: recipients }, subject: rendered.subject, source }
}

const sandboxSender = 'sandbox@fairway.invalid'

function senderOf({ text, mailboxes = [] }: Sender, shared: ComposeShared, item: ComposeItem): Mailbox {
  if (mailboxes.length === 1) return mailboxes[0]!
  if (text) {
    throw new TemplateError(
      'from',
      `"${shortened(text)}" is not one address, as in "Shop <hello@example.com>"`,
    )
  }
  if (item.staysHere) return { name: shared.projectName, address: sandboxSender }
  throw new TemplateError('from', 'is missing: give the template a sender address')
}

const shortened = (value: string) => (value.length > 200 ? `${value.slice(0, 200)}…` : value)

/** Of the domain itself, or of the closest domain above it that has one. */
const keyFor = (keys: DkimKey[], sender: string): DkimKey | undefined =>
  keys
    .filter(({ domain }) => sender === domain || sender.endsWith(`.${domain}`))
    .sort((a, b) => b.domain.length - a.domain.length)[0]

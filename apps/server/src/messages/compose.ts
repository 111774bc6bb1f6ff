import type { App } from '../app.ts'
import { dkimKeyFor } from '../channels/dkim.ts'
import type { OutgoingMail } from '../channels/mail.ts'
import { TemplateError } from '../templates/engine.ts'
import { type MailSource, type RenderedMail, renderMail } from '../templates/render.ts'
import { buildScope } from '../templates/scope.ts'
import { domainOf, parseAddresses, parseMailbox } from './addresses.ts'
import type { Addressed } from './addressing.ts'
import { permalinkUrl, unsubscribeUrl } from './links.ts'
import type { LoadedMessage, Sending, TemplateRow } from './load.ts'

/** The template with the parts that the caller replaced. */
export function mailSourceOf(
  message: Pick<LoadedMessage, 'input'>,
  template: TemplateRow | undefined,
): MailSource {
  const own = message.input.mail ?? {}
  return {
    from: own.from ?? template?.from_address ?? '',
    replyTo: own.replyTo ?? template?.reply_to,
    subject: own.subject ?? template?.subject ?? '',
    preheader: own.preheader ?? template?.preheader,
    html: own.html ?? template?.html ?? '',
    // The template's own text says what its own HTML says, and not what another body does.
    text: own.text ?? (own.html === undefined ? template?.text : undefined),
    headers: { ...template?.headers, ...own.headers },
  }
}

/** The rendered parts, as the recipient and the view-in-browser page see them. Throws {@link TemplateError}. */
export function renderMessage(
  app: App,
  projectId: number,
  message: LoadedMessage,
  template: TemplateRow | undefined,
  to: string[],
): RenderedMail {
  const scope = buildScope({
    messageId: message.id,
    person: message.person,
    recipient: { id: message.input.person?.id, email: message.input.person?.email ?? to[0] },
    event: message.input.event,
    data: message.input.data,
    urls: {
      unsubscribe: () => unsubscribeUrl(app, projectId, message.id),
      permalink: () => permalinkUrl(app, projectId, message.id),
    },
    now: app.now(),
  })
  return renderMail(mailSourceOf(message, template), scope)
}

/** The mail as the channel sends it. Throws {@link TemplateError} with what its author has to change. */
export function composeMail(
  app: App,
  projectId: number,
  addressed: Addressed,
  context: { sending: Sending; template: TemplateRow | undefined; attachments: OutgoingMail['attachments'] },
): OutgoingMail {
  const { message } = addressed
  const { sending, template, attachments } = context
  const rendered = renderMessage(app, projectId, message, template, addressed.insteadOf ?? addressed.to)
  const from = senderOf(rendered.from, addressed, sending)
  if (!rendered.subject) throw new TemplateError('subject', 'is empty')
  if (!rendered.html && !rendered.text) throw new TemplateError('html', 'is empty')
  if (rendered.replyTo && !parseAddresses(rendered.replyTo)) {
    throw new TemplateError('reply_to', `"${rendered.replyTo}" is not an address`)
  }
  const domain = domainOf(from.address)
  return {
    messageId: `<${message.id}.${projectId}@${domain}>`,
    envelope: { from: from.address, to: [...addressed.to, ...addressed.bcc] },
    from: rendered.from || `${sending.projectName.replace(/[^\p{L}\p{N} ]/gu, '')} <${from.address}>`,
    to: addressed.to,
    replyTo: rendered.replyTo || undefined,
    subject: rendered.subject,
    html: rendered.html,
    text: rendered.text,
    headers: { ...rendered.headers, ...platformHeaders(app, projectId, addressed) },
    attachments,
    date: app.now(),
    dkim: dkimKeyFor(app, projectId, sending.domains, domain),
  }
}

/** The sandbox shows a mail without a sender too, so that a first template needs none. */
const sandboxSender = 'sandbox@fairway.invalid'

function senderOf(from: string, addressed: Addressed, sending: Sending): { address: string } {
  const mailbox = parseMailbox(from)
  if (mailbox) return mailbox
  if (from) throw new TemplateError('from', `"${from}" is not one address, as in "Shop <hello@example.com>"`)
  const staysHere = addressed.sandbox || (sending.provider === null && !addressed.insteadOf)
  if (staysHere) return { address: sandboxSender }
  throw new TemplateError('from', 'is missing: give the template a sender address')
}

function platformHeaders(
  app: App,
  projectId: number,
  { message, insteadOf }: Addressed,
): Record<string, string> {
  const campaign = message.campaignId ?? message.templateId ?? 0
  const headers: Record<string, string> = {
    'Feedback-ID': `${campaign}:${projectId}:${message.class}:fairway`,
  }
  if (message.marketing) {
    // RFC 8058: the mail client unsubscribes with one POST to this address.
    headers['List-Unsubscribe'] = `<${unsubscribeUrl(app, projectId, message.id)}>`
    headers['List-Unsubscribe-Post'] = 'List-Unsubscribe=One-Click'
  }
  if (insteadOf) headers['X-Fairway-Test-For'] = insteadOf.join(', ')
  return headers
}

import type { App } from '../../platform/app.ts'
import type { MailSource } from '../templates/render.ts'
import type { ScopeSource } from '../templates/scope.ts'
import { permalinkUrl, unsubscribeUrl } from './links.ts'
import type { LoadedMessage, TemplateRow } from './load.ts'

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

/** What its template is rendered with, for the recipient and for the view-in-browser page alike. */
export const scopeSourceOf = (
  app: App,
  projectId: number,
  message: LoadedMessage,
  to: string[],
): ScopeSource => ({
  messageId: message.id,
  person: message.person,
  recipient: { id: message.input.person?.id, email: message.input.person?.email ?? to[0] },
  event: message.input.event,
  data: message.input.data,
  urls: {
    unsubscribe: unsubscribeUrl(app, projectId, message.id),
    permalink: permalinkUrl(app, projectId, message.id),
  },
  now: app.now(),
})

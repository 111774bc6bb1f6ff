import type { App } from '../../../platform/app.ts'
import { unsubscribeUrl } from '../../messages/links.ts'
import { type LoadedMessage, loadAttachments, type TemplateRow } from '../../messages/load.ts'
import { mailSourceOf, scopeSourceOf } from '../../messages/mail-source.ts'
import type { MailSource } from '../../templates/render.ts'
import type { End } from '../../templates/render-queue.ts'
import { rendererOf } from '../../templates/renderer.ts'
import { senderRules } from '../../templates/sender.ts'
import type { Addressed, ComposeBatch, ToCompose } from '../channel.ts'
import { type ComposedMail, type ComposeShared, compose } from './compose-work.ts'
import { dkimKeys } from './dkim.ts'

/** The mails of some messages, made in a render process. */
export async function composeMails(
  { app, projectId, sending }: ComposeBatch,
  mails: ToCompose[],
): Promise<End<ComposedMail>[]> {
  const attachments = await loadAttachments(
    app,
    projectId,
    mails.filter(({ message }) => message.input.attachments).map(({ message }) => message.id),
  )
  const shared: ComposeShared = {
    projectId,
    projectName: sending.projectName,
    sources: [],
    keys: dkimKeys(app, projectId, sending.domains),
    senders: senderRules(app.config),
    date: app.now(),
  }
  const indexOf = sourceIndex(shared.sources)
  const items = mails.map((mail) => {
    const { message, template, to, bcc } = mail
    return {
      source: indexOf(message, template),
      scope: scopeSourceOf(app, projectId, message, mail.insteadOf ?? to),
      to,
      names: message.input.recipientNames,
      bcc,
      left: message.input.left,
      headers: platformHeaders(app, projectId, mail),
      attachments: (attachments.get(message.id) ?? []).map(({ filename, content }) => ({
        filename,
        // A copy of its own: what crosses takes the whole buffer along that it is a part of.
        content: new Uint8Array(content),
      })),
      staysHere: mail.sandbox,
    }
  })
  return rendererOf(app).run(compose, projectId, shared, items)
}

/** The place of a message's source among those that cross; mails of one template share it. */
function sourceIndex(sources: MailSource[]) {
  const byTemplate = new Map<number, number>()
  return (message: LoadedMessage, template: TemplateRow | undefined): number => {
    const isPlain = template && Object.keys(message.input.mail ?? {}).length === 0
    const known = isPlain ? byTemplate.get(template.id) : undefined
    if (known !== undefined) return known
    const index = sources.push(mailSourceOf(message, template)) - 1
    if (isPlain) byTemplate.set(template.id, index)
    return index
  }
}

function platformHeaders(
  app: App,
  projectId: number,
  { message, marketing, insteadOf }: Addressed,
): Record<string, string> {
  const campaign = message.originId ?? message.templateId ?? 0
  const headers: Record<string, string> = {
    'Feedback-ID': `${campaign}:${projectId}:${message.consent?.kind}:fairway`,
  }
  if (marketing) {
    // RFC 8058: the mail client unsubscribes with one POST to this address.
    headers['List-Unsubscribe'] = `<${unsubscribeUrl(app, projectId, message.id)}>`
    headers['List-Unsubscribe-Post'] = 'List-Unsubscribe=One-Click'
  }
  if (insteadOf) headers['X-Fairway-Test-For'] = insteadOf.join(', ')
  return headers
}

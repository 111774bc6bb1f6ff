import type { OutgoingMail } from '../channels/mail.ts'
import { TemplateError } from '../templates/engine.ts'
import type { Addressed } from './addressing.ts'
import { composeMail } from './compose.ts'
import type { Delivery } from './deliver.ts'
import { type LoadedMessage, loadAttachments } from './load.ts'
import type { Outcome } from './outcomes.ts'

export interface ReadyMail {
  message: LoadedMessage
  mail: OutgoingMail
}

/** Renders some messages. What can't be rendered fails, with where and why; it says nothing about the others. */
export async function composeChunk(
  { app, projectId, sending, templates }: Delivery,
  addressed: Addressed[],
): Promise<{ ready: ReadyMail[]; failed: Outcome[] }> {
  const withAttachments = addressed
    .filter(({ message }) => message.input.attachments)
    .map(({ message }) => message.id)
  const attachments = await loadAttachments(app, projectId, withAttachments)
  const ready: ReadyMail[] = []
  const failed: Outcome[] = []
  for (const mail of addressed) {
    const { message } = mail
    const fail = (reason: string) =>
      failed.push({
        id: message.id,
        state: 'failed',
        reason,
        personId: message.personId,
        recipient: mail.to.join(', '),
      })
    const template = message.templateId === null ? undefined : templates.get(message.templateId)
    if (message.templateId !== null && !template) {
      fail('the template was deleted')
      continue
    }
    try {
      const context = { sending, template, attachments: attachments.get(message.id) ?? [] }
      ready.push({ message, mail: composeMail(app, projectId, mail, context) })
    } catch (error) {
      if (!(error instanceof TemplateError))
        app.log.error({ err: error, projectId, messageId: message.id }, 'a mail could not be made')
      fail(`template: ${(error as Error).message}`)
    }
  }
  return { ready, failed }
}

import type { App } from '../app.ts'
import { renderMessage } from '../messages/compose.ts'
import { loadMessages, loadTemplates } from '../messages/load.ts'
import { TemplateError } from '../templates/engine.ts'

/**
 * The HTML of a message for its view-in-browser page, rendered anew: only what it was made from is kept. Undefined when
 * that is gone: the template was deleted, or the caller asked to forget the data.
 */
export async function viewMail(app: App, projectId: number, messageId: string): Promise<string | undefined> {
  const [message] = await loadMessages(app, projectId, [messageId])
  if (!message || (message.input.forget && !message.input.mail && !message.input.data)) return undefined
  const { templateId } = message
  const template =
    templateId === null ? undefined : (await loadTemplates(app, projectId, [templateId])).get(templateId)
  if (templateId !== null && !template) return undefined
  try {
    return renderMessage(app, projectId, message, template, message.input.to ?? []).html || undefined
  } catch (error) {
    if (error instanceof TemplateError) return undefined
    throw error
  }
}

import { createHash } from 'node:crypto'
import type { App } from '../app.ts'
import { keptWith } from '../kept-with.ts'
import { loadMessages, loadTemplates } from '../messages/load.ts'
import { mailSourceOf, scopeSourceOf } from '../messages/mail-source.ts'
import { BoundedCache } from '../templates/bounded-cache.ts'
import type { MailSource } from '../templates/render.ts'
import { rendererOf } from '../templates/renderer.ts'
import type { ScopeSource } from '../templates/scope.ts'
import { TemplateError } from '../templates/template-error.ts'
import { resultOf } from '../templates/templates.ts'
import { render } from '../templates/work.ts'

/**
 * The HTML of a message for its view-in-browser page, rendered from what it was made of. Undefined when that is gone: the
 * template was deleted, or the caller asked to forget the data.
 *
 * @throws {ApiError} 429 while the project's slow templates keep its share of the render threads busy.
 */
export async function viewMail(app: App, projectId: number, messageId: string): Promise<string | undefined> {
  const [message] = await loadMessages(app, projectId, [messageId])
  if (!message || (message.input.forget && !message.input.mail && !message.input.data)) return undefined
  const { templateId } = message
  const template =
    templateId === null ? undefined : (await loadTemplates(app, projectId, [templateId])).get(templateId)
  if (templateId !== null && !template) return undefined
  const scope = scopeSourceOf(app, projectId, message, message.input.to ?? [])
  return viewsOf(app).html(projectId, mailSourceOf(message, template), scope)
}

const viewsOf = keptWith((app: App) => new Views(app))

/**
 * Anybody may open a link, and again and again: what is rendered is kept, under all that it was rendered from, and who asks
 * meanwhile waits for the same rendering.
 */
class Views {
  readonly #app: App
  readonly #kept = new BoundedCache<string, { html: string | undefined }>({
    maxEntries: 1_000,
    maxSize: 8_000_000,
  })
  readonly #underWay = new Map<string, Promise<string | undefined>>()

  constructor(app: App) {
    this.#app = app
  }

  async html(projectId: number, source: MailSource, scope: ScopeSource): Promise<string | undefined> {
    const { now: _, ...lasting } = scope
    const key = createHash('sha256')
      .update(JSON.stringify([projectId, source, lasting]))
      .digest('base64')
    const kept = this.#kept.get(key)
    if (kept) return kept.html
    let rendering = this.#underWay.get(key)
    if (!rendering) {
      rendering = this.#render(projectId, source, scope).finally(() => this.#underWay.delete(key))
      this.#underWay.set(key, rendering)
    }
    const html = await rendering
    this.#kept.set(key, { html }, 500 + 2 * (html?.length ?? 0))
    return html
  }

  async #render(projectId: number, source: MailSource, scope: ScopeSource): Promise<string | undefined> {
    const [end] = await rendererOf(this.#app).run(render, projectId, null, [{ source, scope }])
    if ('error' in end! && end.error instanceof TemplateError) return undefined
    return resultOf(end!).html || undefined
  }
}

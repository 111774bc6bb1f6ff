import { findPersonIds } from '../../audience/people/lookup.ts'
import type { App } from '../../platform/app.ts'
import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import type { MessageInput } from '../messages/input.ts'
import { loadMessages, loadTemplates } from '../messages/load.ts'
import { mailSourceOf, scopeSourceOf } from '../messages/mail-source.ts'
import { BoundedCache } from '../templates/bounded-cache.ts'
import { maxRenderedLength } from '../templates/limits.ts'
import { rendererOf } from '../templates/renderer.ts'
import { TemplateError } from '../templates/template-error.ts'
import { resultOf } from '../templates/templates.ts'
import { render } from '../templates/work.ts'

/**
 * The HTML of a message for its view-in-browser page, rendered from what it was made of. Undefined when that is gone: the
 * template was deleted, or the caller asked to forget the data.
 *
 * @throws {ApiError} 429 while the project's slow templates keep its share of the render processes busy.
 */
export async function viewMail(app: App, projectId: number, messageId: string): Promise<string | undefined> {
  const version = await versionOf(app, projectId, messageId)
  return version === undefined
    ? undefined
    : viewsOf(app).html(version, () => renderView(app, projectId, messageId))
}

/**
 * Names what a view is made of without reading it: the rows of the message, its template and its person, each with the
 * transaction that wrote it last. Who looks is anybody, and a template may be megabytes.
 *
 * Undefined when there is no such message.
 */
async function versionOf(app: App, projectId: number, messageId: string): Promise<string | undefined> {
  const { rows } = await app.pool.query<{ version: string; personId: number | null; input: MessageInput }>(
    `select concat_ws(' ', m.id, m.xmin, t.id, t.xmin) as version, m.person_id as "personId",
       case when m.person_id is null then jsonb_build_object('person', m.input -> 'person') else '{}' end as input
     from messages m left join templates t on t.project_id = m.project_id and t.id = m.template_id
     where m.project_id = $1 and m.id = $2`,
    [projectId, messageId],
  )
  if (!rows[0]) return undefined
  const { version, input } = rows[0]
  const personId =
    rows[0].personId ?? (input.person ? (await findPersonIds(app.pool, projectId, [input.person]))[0] : null)
  const people = await app.pool.query<{ version: string }>(
    `select concat_ws(' ', id, xmin) as version from people where project_id = $1 and id = $2`,
    [projectId, personId ?? null],
  )
  return `${projectId} ${version} ${people.rows[0]?.version ?? ''}`
}

async function renderView(app: App, projectId: number, messageId: string): Promise<string | undefined> {
  const [message] = await loadMessages(app, projectId, [messageId])
  if (!message || (message.input.forget && !message.input.mail && !message.input.data)) return undefined
  const { templateId } = message
  const template =
    templateId === null ? undefined : (await loadTemplates(app, projectId, [templateId])).get(templateId)
  if (templateId !== null && !template) return undefined
  const source = mailSourceOf(message, template)
  const scope = scopeSourceOf(app, projectId, message, message.input.to ?? [])
  const [end] = await rendererOf(app).run(render, projectId, null, [{ source, scope }])
  if ('error' in end! && end.error instanceof TemplateError) return undefined
  return resultOf(end!).html || undefined
}

const viewsOf = memoizePerObject((_: App) => new Views())

const entrySize = 500
const sizeOf = (html: string | undefined) => entrySize + 2 * (html?.length ?? 0)

/**
 * Anybody may open a link, and again and again: what is rendered is kept, under the version of what it was rendered from, and
 * who asks meanwhile waits for the same rendering.
 */
class Views {
  /** The largest view fits: one that is never kept would be rendered for every request. */
  readonly #kept = new BoundedCache<string, { html: string | undefined }>({
    maxEntries: 1_000,
    maxSize: 2 * (entrySize + 2 * maxRenderedLength),
  })
  readonly #underWay = new Map<string, Promise<string | undefined>>()

  async html(version: string, renderView: () => Promise<string | undefined>): Promise<string | undefined> {
    const kept = this.#kept.get(version)
    if (kept) return kept.html
    let rendering = this.#underWay.get(version)
    if (!rendering) {
      rendering = renderView().finally(() => this.#underWay.delete(version))
      this.#underWay.set(version, rendering)
    }
    const html = await rendering
    this.#kept.set(version, { html }, sizeOf(html))
    return html
  }
}

import type { App } from '../../platform/app.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import type { Page } from '../../platform/db/cursor.ts'
import { conflict, invalidField, notFound, tooManyRequests } from '../../platform/errors.ts'
import { changedMeanwhile, requireUnchanged } from '../../platform/read-at.ts'
import type { MailSource } from './render.ts'
import type { End } from './render-queue.ts'
import { rendererOf } from './renderer.ts'
import { senderRules, sendingProblem, sourceProblem, templateSenderProblem } from './sender.ts'
import { TemplateError } from './template-error.ts'
import type { FindTemplateUsers } from './users.ts'
import { validate } from './work.ts'

export interface Template {
  id: number
  /** Name that API callers may use instead of the id. */
  key: string | null
  name: string
  fromAddress: string | null
  replyTo: string | null
  subject: string
  preheader: string | null
  html: string
  /** Null: made from the HTML. */
  text: string | null
  headers: Record<string, string>
  createdAt: Date
  updatedAt: Date
  /** What keeps its live mail from leaving, on account of the sender; null when nothing does. */
  senderProblem: string | null
}

type Row = Omit<Template, 'senderProblem'>
type Fields = Omit<Row, 'id' | 'createdAt' | 'updatedAt'>
export type TemplateInput = Partial<Fields>

const columns = `id, key, name, from_address as "fromAddress", reply_to as "replyTo", subject, preheader, html, text, headers,
  created_at as "createdAt", updated_at as "updatedAt"`

/** Templates of a project at most. */
export const maxTemplates = 2_000

/** Newest first; `cursor` is the id after which to continue. */
export async function listTemplates(
  app: App,
  projectId: number,
  { limit, cursor }: { limit: number; cursor?: number },
): Promise<Page<Template>> {
  const query = `select ${columns}, ${bytesOf('subject', 'preheader', 'html', 'text', 'from_address', 'reply_to', 'headers')} as bytes
    from templates where project_id = $1 and ($2::int is null or id < $2) order by id desc limit $3`
  return readPage<Row, Template>(
    app.pool,
    { query, values: [projectId, cursor ?? null, limit + 1], order: 'id desc', limit },
    ({ id }) => String(id),
    (row) => fromRow(app, row),
  )
}

/** @throws {ApiError} 404 */
export async function getTemplate(app: App, projectId: number, id: number): Promise<Template> {
  const { rows } = await app.pool.query<Row>(
    `select ${columns} from templates where project_id = $1 and id = $2`,
    [projectId, id],
  )
  if (!rows[0]) throw notFound('Template')
  return fromRow(app, rows[0])
}

/** @throws {ApiError} 422 with the line of a Liquid mistake, 409 for a key that is taken. */
export async function createTemplate(app: App, projectId: number, input: TemplateInput): Promise<Template> {
  await checkTemplate(app, projectId, input)
  await refuseTooMany(app, projectId)
  const template = { ...emptyTemplate, ...input }
  const { rows } = await withUniqueKey(template.key, () =>
    app.pool.query<Row>(
      `insert into templates (project_id, key, name, from_address, reply_to, subject, preheader, html, text, headers, created_at, updated_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) returning ${columns}`,
      [projectId, ...valuesOf(template), app.now()],
    ),
  )
  return fromRow(app, rows[0]!)
}

/**
 * Members that are left out stay as they are.
 *
 * @param readAt see {@link requireUnchanged}
 * @throws {ApiError} 404, 422, 409
 */
export async function updateTemplate(
  app: App,
  findUsers: FindTemplateUsers,
  projectId: number,
  id: number,
  input: TemplateInput,
  readAt?: string,
): Promise<Template> {
  const before = await getTemplate(app, projectId, id)
  requireUnchanged('template', readAt, before.updatedAt)
  const template = { ...before, ...input }
  await checkTemplate(app, projectId, template)
  await keepSendable(app, findUsers, projectId, id, template)
  const { rows } = await withUniqueKey(template.key, () =>
    app.pool.query<Row>(
      `update templates set key = $3, name = $4, from_address = $5, reply_to = $6, subject = $7, preheader = $8, html = $9,
              text = $10, headers = $11, updated_at = greatest($12, updated_at + interval '1 millisecond')
       where project_id = $1 and id = $2 and ($13 or date_trunc('milliseconds', updated_at) = $14) returning ${columns}`,
      [projectId, id, ...valuesOf(template), app.now(), readAt === undefined, before.updatedAt],
    ),
  )
  if (rows[0]) return fromRow(app, rows[0])
  await getTemplate(app, projectId, id)
  throw changedMeanwhile('template')
}

/** @throws {ApiError} 404, and 409 while a campaign uses it. */
export async function deleteTemplate(
  app: App,
  findUsers: FindTemplateUsers,
  projectId: number,
  id: number,
): Promise<void> {
  const user = (await findUsers(app, projectId, id)).find(({ state }) => state !== 'off')
  if (user) throw conflict(`The ${user.kind} "${user.name}" sends this template; switch it off first`)
  const { rowCount } = await app.pool.query('delete from templates where project_id = $1 and id = $2', [
    projectId,
    id,
  ])
  if (rowCount === 0) throw notFound('Template')
}

/** @throws {ApiError} 409 for a change after which no mail of a live campaign could leave */
async function keepSendable(
  app: App,
  findUsers: FindTemplateUsers,
  projectId: number,
  id: number,
  template: TemplateInput,
): Promise<void> {
  const { from, replyTo, ...parts } = toMailSource(template)
  const problem = sendingProblem(
    { from_address: from, reply_to: replyTo ?? null, ...parts },
    senderRules(app.config),
  )
  if (!problem) return
  const user = (await findUsers(app, projectId, id)).find(({ state }) => state === 'live')
  if (user) throw conflict(`The live ${user.kind} "${user.name}" sends this template, which then ${problem}`)
}

const fromRow = (app: App, row: Row): Template => ({
  ...row,
  senderProblem: templateSenderProblem(row, senderRules(app.config)),
})

const emptyTemplate = {
  key: null,
  name: '',
  fromAddress: null,
  replyTo: null,
  subject: '',
  preheader: null,
  html: '',
  text: null,
  headers: {},
}

const valuesOf = (template: Fields) => [
  template.key || null,
  template.name,
  template.fromAddress || null,
  template.replyTo || null,
  template.subject,
  template.preheader || null,
  template.html,
  template.text || null,
  JSON.stringify(template.headers),
]

export const toMailSource = (template: TemplateInput): MailSource => ({
  from: template.fromAddress ?? '',
  replyTo: template.replyTo,
  subject: template.subject ?? '',
  preheader: template.preheader,
  html: template.html ?? '',
  text: template.text,
  headers: template.headers,
})

const fields: Record<string, string> = { from: 'fromAddress', reply_to: 'replyTo' }

/**
 * The result of a render process's work. A mistake in the template, or one that makes it too slow or too big, is said as the
 * REST API does: 422, with the field and, where it is known, the line and the column.
 *
 * @throws {ApiError} 422, 429
 */
export function resultOf<Result>(end: End<Result>): Result {
  if ('result' in end) return end.result
  if ('later' in end)
    throw tooManyRequests('Slow templates of this project keep its share of the render processes busy', 5)
  const { error } = end
  if (!(error instanceof TemplateError)) throw error
  const problem = invalidField(fields[error.part] ?? error.part, error.message)
  throw Object.assign(problem, { extra: { line: error.line, column: error.column } })
}

async function refuseTooMany(app: App, projectId: number): Promise<void> {
  const { rows } = await app.pool.query<{ count: number }>(
    'select count(*) from templates where project_id = $1',
    [projectId],
  )
  if (rows[0]!.count >= maxTemplates)
    throw conflict(`A project has ${maxTemplates} templates at most; delete one that is no longer used`)
}

async function checkTemplate(app: App, projectId: number, template: TemplateInput): Promise<void> {
  for (const [field, value] of Object.entries(template)) {
    if (typeof value === 'string' && value.includes('\0'))
      throw invalidField(field, `${field} contains a NUL character; remove it`)
  }
  if (template.key && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(template.key)) {
    throw invalidField('key', 'key may have up to 100 letters, digits, dots, dashes and underscores')
  }
  if (template.key && /^\d+$/.test(template.key))
    throw invalidField('key', 'key must not be a number: numbers are ids')
  const [end] = await rendererOf(app).run(validate, projectId, null, [toMailSource(template)])
  resultOf(end!)
  for (const field of ['fromAddress', 'replyTo'] as const) {
    const problem = sourceProblem(field, template[field] ?? '', senderRules(app.config))
    if (problem) throw invalidField(field, problem)
  }
}

const uniqueViolation = '23505'

async function withUniqueKey<T>(key: string | null, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if ((error as { code?: string }).code !== uniqueViolation) throw error
    throw conflict(`Another template has the key "${key}"`)
  }
}

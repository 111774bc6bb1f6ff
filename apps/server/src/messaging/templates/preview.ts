import type { Json } from '@fairway/queue'
import {
  findPersonIds,
  loadPeople,
  type PersonReference,
  type Recipient,
} from '../../audience/people/lookup.ts'
import type { App } from '../../platform/app.ts'
import { notFound } from '../../platform/errors.ts'
import { rendererOf } from './renderer.ts'
import type { ScopeSource } from './scope.ts'
import { senderRules } from './sender.ts'
import { resultOf, type TemplateInput, toMailSource } from './templates.ts'
import { preview } from './work.ts'

export interface PreviewInput {
  /** Default: the person seen last, or a made-up one. */
  person?: PersonReference
  event?: { name?: string; properties?: Record<string, Json> }
  data?: Record<string, Json>
}

/**
 * As it would be sent to the person now, as the bytes of a JSON object: the parts of the mail, `senderProblem` (why a mail with
 * this sender could not leave, or null), `preheader`, and `person`, `{id, email}` or null for a made-up one. Its links lead
 * nowhere.
 *
 * @throws {ApiError} 422 with the line, 404 for the person.
 */
export async function previewTemplate(
  app: App,
  projectId: number,
  template: TemplateInput,
  input: PreviewInput,
): Promise<Uint8Array> {
  const person = await findSample(app, projectId, input.person)
  const scope: ScopeSource = {
    messageId: '00000000-0000-8000-8000-000000000000',
    person: person ?? madeUpPerson(app),
    recipient: {},
    event: { name: input.event?.name ?? '', properties: input.event?.properties ?? {} },
    data: input.data,
    urls: { unsubscribe: '#unsubscribe', permalink: '#view-in-browser' },
    now: app.now(),
  }
  const beside = {
    preheader: template.preheader ?? null,
    person: person ? { id: person.id, email: person.email } : null,
  }
  const [end] = await rendererOf(app).run(preview, projectId, null, [
    { source: toMailSource(template), scope, senders: senderRules(app.config), beside },
  ])
  return resultOf(end!)
}

async function findSample(
  app: App,
  projectId: number,
  reference: PersonReference | undefined,
): Promise<Recipient | undefined> {
  const [id] = reference
    ? await findPersonIds(app.pool, projectId, [reference])
    : [await findLatest(app, projectId)]
  if (reference && !id) throw notFound('The person of the preview')
  return id ? (await loadPeople(app.pool, projectId, [id])).get(id) : undefined
}

async function findLatest(app: App, projectId: number): Promise<number | null> {
  const { rows } = await app.pool.query<{ id: number }>(
    `select id from people where project_id = $1 and email is not null order by updated_at desc, id desc limit 1`,
    [projectId],
  )
  return rows[0]?.id ?? null
}

const madeUpPerson = (app: App): Recipient => ({
  id: 0,
  external_id: 'ada',
  email: 'ada@example.com',
  phone: null,
  timezone: null,
  language: 'en',
  properties: { first_name: 'Ada', last_name: 'Lovelace', name: 'Ada Lovelace' },
  tags: [],
  topics: {},
  subscribed: true,
  suppressed: false,
  created_at: app.now(),
})

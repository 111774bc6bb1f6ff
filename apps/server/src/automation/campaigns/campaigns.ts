import {
  allowOnly,
  list,
  object,
  oneOf,
  refuse,
  requireTrue,
  text,
  wholeNumber,
} from '../../audience/conditions/check.ts'
import type { Condition } from '../../audience/conditions/language.ts'
import { parseConditions } from '../../audience/conditions/parse.ts'
import { foldName } from '../../audience/items/item.ts'
import { expandFor } from '../../audience/segments/segment.ts'
import { type Consent, parseConsent, readConsent } from '../../messaging/messages/consent.ts'
import {
  type Sendable,
  senderRules,
  sendingProblem,
  templateSenderProblem,
} from '../../messaging/templates/sender.ts'
import type { App } from '../../platform/app.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import type { Page } from '../../platform/db/cursor.ts'
import { assignments, sql } from '../../platform/db/sql.ts'
import { conflict, notFound } from '../../platform/errors.ts'
import { changedMeanwhile, requireUnchanged } from '../../platform/read-at.ts'
import { parseWait, type Wait } from './wait.ts'

export const campaignStates = ['off', 'test', 'live'] as const
/** `off` makes and sends nothing; `test` sends to the project's test address or sandbox alone. */
export type CampaignState = (typeof campaignStates)[number]

/** How often one person gets the campaign's message. Days of 24 hours; -1: once and never again. */
export interface Frequency {
  notAgainWithinDays: number
}

/** Trigger event → wait → conditions, checked just before sending → message. */
export interface Campaign {
  id: number
  name: string
  state: CampaignState
  triggerEvent: string
  wait: Wait
  conditions: Condition | null
  frequency: Frequency | null
  templateId: number
  /** Under which its messages are sent. */
  consent: Consent
  /** The same as a yes or no, for callers of before: whether people's marketing opt-out is ignored. */
  transactional: boolean
  createdAt: Date
  updatedAt: Date
  /** What keeps mail of its template from leaving, on account of the sender; null when nothing does. */
  senderProblem: string | null
}

type Stored = Omit<Campaign, 'senderProblem'>
export type CampaignFields = Omit<Stored, 'id' | 'createdAt' | 'updatedAt' | 'transactional'>
/** What a change may name: consent, or what callers of before say for it. */
export type CampaignChanges = Partial<CampaignFields> & { transactional?: boolean }

/** Campaigns of a project at most. */
export const maxCampaigns = 2_000
const maxId = 2_147_483_647
const maxFrequencyDays = 3_650

const parsers: {
  [Name in keyof Required<CampaignChanges>]: (input: unknown) => Required<CampaignChanges>[Name]
} = {
  name: (input) => text(input, 'name', 200),
  state: (input) => oneOf(input, 'state', campaignStates),
  triggerEvent: parseTriggerEvent,
  wait: (input) => parseWait(input),
  conditions: (input) => (input === null ? null : parseConditions(input, { trigger: true })),
  frequency: parseFrequency,
  templateId: parseTemplateId,
  consent: parseConsent,
  transactional: parseTransactional,
}

const required = ['name', 'triggerEvent', 'templateId'] as const

/** Checks the members that are present, and nothing else may be. Throws a 422 that names the place. */
export function parseChanges(body: unknown): CampaignChanges {
  const members = object(body, 'body', 'must be a JSON object')
  const names = Object.keys(parsers) as (keyof CampaignChanges)[]
  const unknownMember = Object.keys(members).find((name) => !Object.hasOwn(parsers, name))
  if (unknownMember !== undefined) throw refuse(unknownMember, `is unknown; allowed here: ${list(names)}`)
  const given = names.filter((name) => members[name] !== undefined)
  const changes: CampaignChanges = Object.fromEntries(
    given.map((name) => [name, parsers[name](members[name])]),
  )
  const { consent, transactional } = changes
  if (consent && transactional !== undefined && transactional !== ignoresOptOut(consent))
    throw refuse('transactional', `contradicts consent; leave transactional out`)
  return changes
}

const ignoresOptOut = ({ kind }: Consent): boolean => kind !== 'marketing'

/** What `transactional` alone says changes the consent only where that says otherwise: a topic and a reason stay. */
function changedConsent({ consent, transactional }: CampaignChanges, before: Consent): Consent | undefined {
  if (consent) return consent
  if (transactional === undefined || transactional === ignoresOptOut(before)) return undefined
  return { kind: transactional ? 'transactional' : 'marketing' }
}

/** As {@link parseChanges}, for a whole campaign: what is left out gets its default. */
export function parseCampaign(body: unknown): CampaignFields {
  const { transactional, ...fields } = parseChanges(body)
  const missing = required.find((name) => fields[name] === undefined)
  if (missing) throw refuse(missing, 'is required')
  return {
    state: 'off',
    wait: { kind: 'immediately' },
    conditions: null,
    frequency: null,
    consent: { kind: transactional ? 'transactional' : 'marketing' },
    ...(fields as Pick<CampaignFields, (typeof required)[number]>),
  }
}

function parseTriggerEvent(input: unknown): string {
  const name = text(input, 'triggerEvent', 255)
  if (foldName(name).trim() === '') throw refuse('triggerEvent', 'must have a letter or digit')
  return name
}

function parseFrequency(input: unknown): Frequency | null {
  if (input === null) return null
  const members = object(input, 'frequency', 'must be null or an object such as {"notAgainWithinDays": 7}')
  allowOnly(members, 'frequency', ['notAgainWithinDays'])
  const { notAgainWithinDays: days } = members
  if (days !== -1) wholeNumber(days, 'frequency.notAgainWithinDays', 1, maxFrequencyDays)
  return { notAgainWithinDays: days as number }
}

function parseTemplateId(input: unknown): number {
  wholeNumber(input, 'templateId', 1, maxId)
  return input as number
}

function parseTransactional(input: unknown): boolean {
  requireTrue(input, 'transactional')
  return input as boolean
}

/** Oldest first; `cursor` is the id that a page ended with. */
export async function listCampaigns(
  app: App,
  projectId: number,
  { limit, cursor = 0 }: { limit: number; cursor?: number },
): Promise<Page<Campaign>> {
  const query = `select *, ${bytesOf('conditions')} as bytes from campaigns
    where project_id = $1 and id > $2 order by id limit $3`
  const page = await readPage<Row, Stored>(
    app.pool,
    { query, values: [projectId, cursor, limit + 1], order: 'id', limit },
    ({ id }) => String(id),
    fromRow,
  )
  return { ...page, items: await withSenders(app, projectId, page.items) }
}

/** @throws {ApiError} 404 */
export async function getCampaign(app: App, projectId: number, id: number): Promise<Campaign> {
  const { rows } = await app.pool.query<Row>(
    sql`select * from campaigns where project_id = ${projectId} and id = ${id}`,
  )
  return withSender(app, projectId, fromRow(found(rows[0])))
}

/** @throws {ApiError} 422 when the template or a segment isn't there */
export async function createCampaign(app: App, projectId: number, fields: CampaignFields): Promise<Campaign> {
  await checkTemplate(app, projectId, fields)
  if (fields.conditions) await expandFor(app, app.pool, projectId, fields.conditions)
  await refuseTooMany(app, projectId)
  const { name, state, triggerEvent, wait, conditions, frequency, templateId, consent } = fields
  const now = app.now()
  const { rows } = await app.pool.query<Row>(sql`
    insert into campaigns (
      project_id, name, state, trigger_event, folded_trigger, wait, conditions, frequency, template_id, consent,
      transactional, created_at, updated_at)
    values (
      ${projectId}, ${name}, ${state}, ${triggerEvent}, ${foldName(triggerEvent)}, ${wait}, ${conditions}, ${frequency},
      ${templateId}, ${consent}, ${ignoresOptOut(consent)}, ${now}, ${now})
    returning *`)
  return withSender(app, projectId, fromRow(rows[0]!))
}

/**
 * Changes a campaign, also a running one. New events follow it from the commit on; messages that wait for their time
 * keep that time, and are sent under the conditions, the frequency and the state of the moment.
 *
 * @param readAt see {@link requireUnchanged}
 * @throws {ApiError} 404, 409, 422
 */
export async function updateCampaign(
  app: App,
  projectId: number,
  id: number,
  { transactional, ...changes }: CampaignChanges,
  readAt?: string,
): Promise<Campaign> {
  const { templateId, state, consent, updatedAt } = await getCampaign(app, projectId, id)
  requireUnchanged('campaign', readAt, updatedAt)
  if (changes.templateId !== undefined || changes.state === 'live')
    await checkTemplate(app, projectId, { templateId, state, ...changes })
  if (changes.conditions) await expandFor(app, app.pool, projectId, changes.conditions)
  const changed = changedConsent({ ...changes, transactional }, consent)
  const columns = toColumns({ ...changes, ...(changed && { consent: changed }) })
  const { rows } = await app.pool.query<Row>(sql`
    update campaigns
    set ${Object.keys(columns).length > 0 ? sql`${assignments(columns)},` : sql``}
        updated_at = greatest(${app.now()}::timestamptz, updated_at + interval '1 millisecond')
    where project_id = ${projectId} and id = ${id}
      and (${readAt === undefined} or date_trunc('milliseconds', updated_at) = ${updatedAt})
    returning *`)
  if (rows[0]) return withSender(app, projectId, fromRow(rows[0]))
  await getCampaign(app, projectId, id)
  throw changedMeanwhile('campaign')
}

/** Messages that were still to be sent are skipped when their time comes. @throws {ApiError} 404 */
export async function deleteCampaign(app: App, projectId: number, id: number): Promise<void> {
  const { rowCount } = await app.pool.query(
    sql`delete from campaigns where project_id = ${projectId} and id = ${id}`,
  )
  if (rowCount === 0) throw notFound('Campaign')
}

async function refuseTooMany(app: App, projectId: number): Promise<void> {
  const { rows } = await app.pool.query<{ count: number }>(
    sql`select count(*) from campaigns where project_id = ${projectId}`,
  )
  if (rows[0]!.count >= maxCampaigns)
    throw conflict(`A project has ${maxCampaigns} campaigns at most; delete one that is no longer used`)
}

async function checkTemplate(
  app: App,
  projectId: number,
  { templateId, state }: Pick<CampaignFields, 'templateId' | 'state'>,
): Promise<void> {
  const { rows } = await app.pool.query<Sendable & { name: string }>(sql`
    select name, from_address, reply_to, subject, html, text from templates
    where project_id = ${projectId} and id = ${templateId}`)
  const template = rows[0]
  if (!template) throw refuse('templateId', 'names no template of this project')
  const problem = state === 'live' ? sendingProblem(template, senderRules(app.config)) : undefined
  if (problem) throw refuse('state', `can't be live: the template "${template.name}" ${problem}`)
}

async function withSenders(app: App, projectId: number, campaigns: Stored[]): Promise<Campaign[]> {
  const { rows } = await app.pool.query<{ id: number; fromAddress: string | null; replyTo: string | null }>(
    `select id, from_address as "fromAddress", reply_to as "replyTo" from templates
     where project_id = $1 and id = any($2::int[])`,
    [projectId, campaigns.map(({ templateId }) => templateId)],
  )
  const senders = new Map(rows.map((row) => [row.id, templateSenderProblem(row, senderRules(app.config))]))
  return campaigns.map((campaign) => ({
    ...campaign,
    senderProblem: senders.get(campaign.templateId) ?? null,
  }))
}

const withSender = async (app: App, projectId: number, campaign: Stored): Promise<Campaign> =>
  (await withSenders(app, projectId, [campaign]))[0]!

function found<Row>(row: Row | undefined): Row {
  if (!row) throw notFound('Campaign')
  return row
}

/** The columns of what is given. */
function toColumns({ triggerEvent, templateId, ...fields }: Partial<CampaignFields>) {
  return {
    ...fields,
    ...(fields.consent && { transactional: ignoresOptOut(fields.consent) }),
    ...(triggerEvent !== undefined && {
      trigger_event: triggerEvent,
      folded_trigger: foldName(triggerEvent),
    }),
    ...(templateId !== undefined && { template_id: templateId }),
  }
}

interface Row {
  id: number
  name: string
  state: CampaignState
  trigger_event: string
  wait: Wait
  conditions: Condition | null
  frequency: Frequency | null
  template_id: number
  consent: unknown
  created_at: Date
  updated_at: Date
}

/** What a newer version may have written counts as marketing: nobody who opted out is reached by what nobody here understands. */
export const consentOf = (stored: unknown): Consent => readConsent(stored) ?? { kind: 'marketing' }

function fromRow(row: Row): Stored {
  const consent = consentOf(row.consent)
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    triggerEvent: row.trigger_event,
    wait: row.wait,
    conditions: row.conditions,
    frequency: row.frequency,
    templateId: row.template_id,
    consent,
    transactional: ignoresOptOut(consent),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

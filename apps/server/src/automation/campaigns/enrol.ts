import type { JobInput, Transaction } from '@fairway/queue'
import type { StoredEvent } from '../../audience/items/item.ts'
import { loadPeople, type Recipient } from '../../audience/people/lookup.ts'
import { type Consent, laneOf } from '../../messaging/messages/consent.ts'
import { insertMessages, type NewMessage } from '../../messaging/messages/create.ts'
import { deliverJob } from '../../messaging/messages/deliver-job.ts'
import type { App } from '../../platform/app.ts'
import type { CampaignState } from './campaigns.ts'
import { type Due, dueAt, needsPerson, type Wait } from './wait.ts'

interface Triggered {
  id: number
  state: CampaignState
  foldedTrigger: string
  wait: Wait
  templateId: number
  consent: Consent
  projectTimezone: string
}

/** Rows of one statement: bounds memory when many campaigns share an event with large properties. */
const chunkSize = 500

/**
 * Makes a `pending` message and its `deliver` job for every event that triggers a campaign, in the transaction that
 * stores the events. A message whose wait leads nowhere is written as `skipped`, with the reason. Running again for the
 * same events changes nothing. Costs one indexed lookup when no campaign waits for these events.
 */
export async function enrolTriggered(
  app: App,
  client: Transaction,
  projectId: number,
  events: StoredEvent[],
): Promise<void> {
  if (events.length === 0) return
  const campaigns = await findTriggered(client, projectId, events)
  if (campaigns.size === 0) return
  const triggering = events.filter(({ foldedName }) => campaigns.has(foldedName))
  const people = await loadNeededPeople(client, projectId, triggering, campaigns)
  const now = app.now()
  let chunk: Enrolment[] = []
  for (const event of triggering) {
    for (const campaign of campaigns.get(event.foldedName)!) {
      chunk.push(enrol(campaign, event, people.get(event.personId), now))
      if (chunk.length === chunkSize) {
        await writeEnrolments(app, client, projectId, chunk, now)
        chunk = []
      }
    }
  }
  if (chunk.length > 0) await writeEnrolments(app, client, projectId, chunk, now)
}

/**
 * Read in the transaction and not kept: what is switched on or off counts from its commit on, in every process. The
 * partial index holds running campaigns alone, so that a project without any pays next to nothing.
 */
async function findTriggered(
  client: Transaction,
  projectId: number,
  events: StoredEvent[],
): Promise<Map<string, Triggered[]>> {
  const names = [...new Set(events.map(({ foldedName }) => foldedName))]
  const { rows } = await client.query(
    `select c.id, c.state, c.folded_trigger as "foldedTrigger", c.wait, c.template_id as "templateId", c.consent,
       p.timezone as "projectTimezone"
     from campaigns c join projects p on p.id = c.project_id
     where c.project_id = $1 and c.folded_trigger = any($2::text[]) and c.state <> 'off'
     order by c.id`,
    [projectId, names],
  )
  const campaigns = new Map<string, Triggered[]>()
  for (const campaign of rows as Triggered[]) {
    campaigns.set(campaign.foldedTrigger, [...(campaigns.get(campaign.foldedTrigger) ?? []), campaign])
  }
  return campaigns
}

/** The people whose properties or time zone a wait asks for; no statement when none does. */
function loadNeededPeople(
  client: Transaction,
  projectId: number,
  events: StoredEvent[],
  campaigns: Map<string, Triggered[]>,
): Promise<Map<number, Recipient>> {
  const concerned = events.filter((event) =>
    campaigns.get(event.foldedName)!.some(({ wait }) => needsPerson(wait)),
  )
  return loadPeople(client, projectId, [...new Set(concerned.map(({ personId }) => personId))])
}

interface Enrolment {
  campaign: Triggered
  message: NewMessage
  due: Due
}

function enrol(campaign: Triggered, event: StoredEvent, person: Recipient | undefined, now: Date): Enrolment {
  const due = dueAt(campaign.wait, { event, person, projectTimezone: campaign.projectTimezone, now })
  const message: NewMessage = {
    cause: `behavioral:${campaign.id}:${event.id}`,
    personId: event.personId,
    origin: 'campaign',
    originId: campaign.id,
    consent: campaign.consent,
    templateId: campaign.templateId,
    eventId: event.id,
    eventAt: event.occurredAt,
    input: { event: { name: event.name, properties: event.properties } },
    test: campaign.state === 'test',
    dueAt: 'at' in due ? due.at : now,
  }
  return { campaign, message, due }
}

async function writeEnrolments(
  app: App,
  client: Transaction,
  projectId: number,
  enrolments: Enrolment[],
  now: Date,
): Promise<void> {
  const byCause = new Map(enrolments.map((enrolment) => [enrolment.message.cause, enrolment]))
  const created = await insertMessages(
    client,
    projectId,
    enrolments.map(({ message }) => message),
  )
  const jobs: JobInput[] = []
  const skipped: { id: string; reason: string }[] = []
  for (const { id, cause } of created) {
    const { campaign, due } = byCause.get(cause)!
    if ('skip' in due) skipped.push({ id, reason: due.skip })
    else {
      jobs.push(deliverJob(projectId, id, laneOf(campaign.consent), due.at > now ? due.at : undefined))
    }
  }
  if (skipped.length > 0) await recordSkipped(client, projectId, skipped, now)
  if (jobs.length > 0) await app.queue.addIn(client, jobs)
}

async function recordSkipped(
  client: Transaction,
  projectId: number,
  skipped: { id: string; reason: string }[],
  now: Date,
): Promise<void> {
  await client.query(
    `update messages m set state = 'skipped', reason = s.reason, settled_at = $4
     from unnest($2::uuid[], $3::text[]) as s (id, reason)
     where m.project_id = $1 and m.id = s.id`,
    [projectId, skipped.map(({ id }) => id), skipped.map(({ reason }) => reason), now],
  )
}

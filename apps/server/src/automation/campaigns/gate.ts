import { describe } from '../../audience/conditions/describe.ts'
import { findFalse } from '../../audience/conditions/evaluate.ts'
import { expandSegments, segmentsIn } from '../../audience/conditions/expand.ts'
import type { TriggerFacts } from '../../audience/conditions/facts.ts'
import type { Condition } from '../../audience/conditions/language.ts'
import { loadFacts } from '../../audience/conditions/load-facts.ts'
import type { Recipient } from '../../audience/people/lookup.ts'
import { loadDefinitions } from '../../audience/segments/definitions.ts'
import type { MessageInput } from '../../messaging/messages/input.ts'
import type { App } from '../../platform/app.ts'
import type { CampaignState, Frequency } from './campaigns.ts'
import { type FrequencyCandidate, limitFrequency } from './frequency.ts'

/** What the gate looks at in a message; `messaging/delivery/deliver.ts` hands in more. */
export interface GatedMessage {
  id: string
  originId: number | null
  eventId: string | null
  eventAt: Date | null
  /** Made while the campaign was in test. */
  test: boolean
  input: MessageInput
  /** As just loaded. Undefined when the person was deleted. */
  person: Recipient | undefined
}

export type Verdict = { send: true } | { skip: string }

interface CampaignRules {
  id: number
  state: CampaignState
  conditions: Condition | null
  frequency: Frequency | null
}

/** A message whose campaign runs, with what is known about it. */
interface Open {
  message: GatedMessage
  person: Recipient
  rules: CampaignRules
  trigger: TriggerFacts | undefined
}

/**
 * Says of each message, just before it is sent, whether it still should be: its campaign runs, the conditions hold, the
 * frequency rule allows it. As of `app.now()`. A few statements for the whole batch; a message that is let through
 * under a frequency rule keeps its siblings back until it is settled.
 */
export async function gateCampaignMessages(
  app: App,
  projectId: number,
  messages: readonly GatedMessage[],
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>()
  const rules = await loadRules(app, projectId, messages)
  const open: Open[] = []
  for (const message of messages) {
    const campaign = rules.get(message.originId ?? -1)
    const skip = findStop(message, campaign)
    if (skip) verdicts.set(message.id, { skip })
    else open.push({ message, person: message.person!, rules: campaign!, trigger: triggerOf(message) })
  }
  const meeting = await checkConditions(app, projectId, open, verdicts)
  await checkFrequency(app, projectId, meeting, verdicts)
  return verdicts
}

async function loadRules(
  app: App,
  projectId: number,
  messages: readonly GatedMessage[],
): Promise<Map<number, CampaignRules>> {
  const ids = [...new Set(messages.map(({ originId }) => originId))]
  const { rows } = await app.pool.query<CampaignRules>(
    `select id, state, conditions, frequency from campaigns
     where project_id = $1 and id = any($2::integer[])`,
    [projectId, ids],
  )
  await expandConditions(app, projectId, rows)
  return new Map(rows.map((campaign) => [campaign.id, campaign]))
}

/** Segments are judged by their conditions of this moment, too. */
async function expandConditions(app: App, projectId: number, campaigns: CampaignRules[]): Promise<void> {
  const naming = campaigns.filter(({ conditions }) => conditions && segmentsIn(conditions).length > 0)
  if (naming.length === 0) return
  const { find } = await loadDefinitions(app, app.pool, projectId)
  for (const campaign of naming) campaign.conditions = expandSegments(campaign.conditions!, find)
}

function findStop(message: GatedMessage, campaign: CampaignRules | undefined): string | undefined {
  if (!campaign) return 'campaign deleted'
  if (campaign.state === 'off') return 'campaign off'
  // People who were enrolled for real are not to be surprised by an experiment.
  if (campaign.state === 'test' && !message.test) return 'campaign in test'
  return message.person ? undefined : 'the person was deleted'
}

function triggerOf({ eventId, eventAt, input }: GatedMessage): TriggerFacts | undefined {
  if (eventId === null || eventAt === null) return undefined
  return { id: eventId, at: eventAt, properties: input.event?.properties ?? {} }
}

/** Records the ones whose conditions fail; returns the others. */
async function checkConditions(
  app: App,
  projectId: number,
  open: Open[],
  verdicts: Map<string, Verdict>,
): Promise<Open[]> {
  const conditional = open.filter(({ rules }) => rules.conditions)
  const facts = await loadFacts(
    app.pool,
    projectId,
    conditional,
    conditional.map(({ rules }) => rules.conditions!),
    app.now(),
  )
  const failed = new Set<Open>()
  for (const [index, candidate] of conditional.entries()) {
    const cause = findFalse(candidate.rules.conditions!, facts[index]!)
    if (!cause) continue
    verdicts.set(candidate.message.id, { skip: `condition false: ${describe(cause)}` })
    failed.add(candidate)
  }
  return open.filter((candidate) => !failed.has(candidate))
}

async function checkFrequency(
  app: App,
  projectId: number,
  meeting: Open[],
  verdicts: Map<string, Verdict>,
): Promise<void> {
  const candidates = meeting.flatMap(({ message, person, rules }): FrequencyCandidate[] =>
    rules.frequency
      ? [
          {
            id: message.id,
            campaignId: rules.id,
            personId: person.id,
            test: message.test,
            frequency: rules.frequency,
          },
        ]
      : [],
  )
  const stopped = await limitFrequency(app, projectId, candidates)
  for (const { message } of meeting) {
    const skip = stopped.get(message.id)
    verdicts.set(message.id, skip ? { skip } : { send: true })
  }
}

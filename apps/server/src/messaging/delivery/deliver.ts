import type { BatchContext, BatchHandler, Job } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import { type Channel, sendingBy } from '../channels/channel.ts'
import { gatewaysOf } from '../channels/gateways.ts'
import { type Channels, channels as everyChannel } from '../channels/list.ts'
import { type DeliverData, isDeliverJob } from '../messages/deliver-job.ts'
import { type LoadedMessage, loadMessages, loadSending, loadTemplates } from '../messages/load.ts'
import type { Origins } from '../messages/origins.ts'
import { restoreWatchOf } from '../sending/restore-watch.ts'
import { decide, decideAgain, lookAgainMs } from './decide.ts'
import { deliverToSandbox } from './deliver-sandbox.ts'
import { deliverThrough } from './deliver-through.ts'
import type { Delivery } from './delivery.ts'
import { markUnknown, type Outcome, settlePending } from './outcomes.ts'

/**
 * Handler of `deliver` jobs `{messageId}`: decides, claims, renders, sends and records. The messages of a batch are of
 * one project. Redelivery is harmless: a settled message is left alone, and one whose claim outlived its owner becomes
 * `unknown`. So is a job whose place another has taken: it does nothing.
 */
export function deliverMessages(
  app: App,
  origins: Origins,
  channels: Channels = everyChannel,
): BatchHandler<DeliverData> {
  return async (jobs, context) => {
    const projectId = Number(jobs[0]!.tenant)
    const byMessage = groupByMessage(jobs, context)
    const decidedAt = app.now().getTime()
    const [held, loaded] = await Promise.all([
      restoreWatchOf(app).isHeld(projectId),
      loadMessages(app, projectId, [...byMessage.keys()]),
    ])
    if (held) return waitForConfirmation(byMessage, context)
    const messages = loaded.filter(({ id, turn }) => {
      const own = byMessage.get(id)!.filter(({ data }) => (data.turn ?? 0) === turn)
      byMessage.set(id, own)
      return own.length > 0
    })
    await markUnknown(
      app,
      projectId,
      messages.filter((message) => message.state === 'claimed'),
    )
    const postpone: Delivery['postpone'] = (messageId, delayMs) => {
      for (const job of byMessage.get(messageId) ?? []) context.snooze(job, delayMs)
    }
    const shared: SharedDelivery = {
      app,
      projectId,
      signal: context.signal,
      waitFor: (work) => context.waitFor(work),
      together: (parts) => context.together(parts),
      attemptOf: (messageId) =>
        Math.max(1, ...(byMessage.get(messageId) ?? []).map(({ attempt }) => attempt)),
      postpone,
      decidedAt,
      dueAt: (messageId) => byMessage.get(messageId)?.[0]?.data.backTo,
    }
    const pending = messages.filter((message) => message.state === 'pending')
    for (const [name, own] of byChannel(pending)) {
      const channel = Object.hasOwn(channels, name) ? channels[name] : undefined
      if (channel) await deliverBy(channel, shared, own, origins)
      else await refuseUnknown(shared, name, own)
    }
  }
}

function byChannel(messages: LoadedMessage[]): Map<string, LoadedMessage[]> {
  const groups = new Map<string, LoadedMessage[]>()
  for (const message of messages)
    groups.set(message.channel, [...(groups.get(message.channel) ?? []), message])
  return groups
}

type SharedDelivery = Omit<Delivery, 'channel' | 'sending' | 'templates' | 'decideAgain'>

async function deliverBy(
  channel: Channel,
  shared: SharedDelivery,
  messages: LoadedMessage[],
  origins: Origins,
): Promise<void> {
  const { app, projectId } = shared
  const templateIds = new Set(messages.map((message) => message.templateId).filter((id) => id !== null))
  const [sending, templates] = await Promise.all([
    loadSending(app, projectId, sendingBy(app, channel)),
    loadTemplates(app, projectId, [...templateIds]),
  ])
  if (!sending) return
  const delivery: Delivery = {
    ...shared,
    channel,
    sending,
    templates,
    decideAgain: (mails) => decideAgain(delivery, mails, origins),
  }
  const addressed = await decide(app, projectId, channel, messages, sending, origins)
  const leaving = addressed.filter(({ sandbox }) => !sandbox)
  await deliverToSandbox(
    delivery,
    addressed.filter(({ sandbox }) => sandbox),
  )
  if (leaving.length === 0) return
  // What is not kept here was let through because there is a provider.
  await deliverThrough(delivery, gatewaysOf(app).forProvider(projectId, channel, sending.provider)!, leaving)
}

async function refuseUnknown({ app, projectId }: SharedDelivery, name: string, messages: LoadedMessage[]) {
  const reason = `goes by "${name}", which this version of Fairway does not know: upgrade it, then try again`
  const failed = messages.map(({ id, personId }): Outcome => ({ id, state: 'failed', reason, personId }))
  await settlePending(app.pool, projectId, failed, app.now())
}

function waitForConfirmation(byMessage: Map<string, Job<DeliverData>[]>, context: BatchContext): void {
  for (const job of [...byMessage.values()].flat()) context.snooze(job, lookAgainMs)
}

function groupByMessage(jobs: Job<DeliverData>[], context: BatchContext) {
  const byMessage = new Map<string, Job<DeliverData>[]>()
  for (const job of jobs) {
    if (!isDeliverJob(job.data)) {
      context.bury(job, 'a deliver job needs a messageId')
      continue
    }
    const id = job.data.messageId.toLowerCase()
    byMessage.set(id, [...(byMessage.get(id) ?? []), job])
  }
  return byMessage
}

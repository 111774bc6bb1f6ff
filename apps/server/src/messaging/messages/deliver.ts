import type { BatchContext, BatchHandler, Job } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import { channelsOf } from '../channels/channels.ts'
import { restoreWatchOf } from '../sending/restore-watch.ts'
import { decide, decideAgain, lookAgainMs } from './decide.ts'
import { type DeliverData, isDeliverJob } from './deliver-job.ts'
import { deliverToSandbox } from './deliver-sandbox.ts'
import { deliverThroughSmtp } from './deliver-smtp.ts'
import type { Delivery } from './delivery.ts'
import { loadMessages, loadSending, loadTemplates } from './load.ts'
import type { Origins } from './origins.ts'
import { markUnknown } from './outcomes.ts'

/**
 * Handler of `deliver` jobs `{messageId}`: decides, claims, renders, sends and records. The messages of a batch are of
 * one project. Redelivery is harmless: a settled message is left alone, and one whose claim outlived its owner becomes
 * `unknown`. So is a job whose place another has taken: it does nothing.
 */
export function deliverMessages(app: App, origins: Origins): BatchHandler<DeliverData> {
  return async (jobs, context) => {
    const projectId = Number(jobs[0]!.tenant)
    const byMessage = groupByMessage(jobs, context)
    const decidedAt = app.now().getTime()
    const [held, loaded, sending] = await Promise.all([
      restoreWatchOf(app).isHeld(projectId),
      loadMessages(app, projectId, [...byMessage.keys()]),
      loadSending(app, projectId),
    ])
    if (!sending) return
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
    const pending = messages.filter((message) => message.state === 'pending')
    const templateIds = new Set(pending.map((message) => message.templateId).filter((id) => id !== null))
    const postpone: Delivery['postpone'] = (messageId, delayMs) => {
      for (const job of byMessage.get(messageId) ?? []) context.snooze(job, delayMs)
    }
    const [addressed, templates] = await Promise.all([
      decide(app, projectId, pending, sending, origins),
      loadTemplates(app, projectId, [...templateIds]),
    ])

    const delivery: Delivery = {
      app,
      projectId,
      sending,
      templates,
      signal: context.signal,
      waitFor: (work) => context.waitFor(work),
      together: (parts) => context.together(parts),
      attemptOf: (messageId) =>
        Math.max(1, ...(byMessage.get(messageId) ?? []).map(({ attempt }) => attempt)),
      postpone,
      decidedAt,
      decideAgain: (mails) => decideAgain(delivery, mails, origins),
      dueAt: (messageId) => byMessage.get(messageId)?.[0]?.data.backTo,
    }
    const viaSandbox = addressed.filter(({ sandbox }) => sandbox)
    const viaSmtp = addressed.filter(({ sandbox }) => !sandbox)
    await deliverToSandbox(delivery, viaSandbox)
    if (viaSmtp.length === 0) return
    const channel = channelsOf(app).forProvider(projectId, sending.provider)
    // What is not kept here was let through because there is a server.
    await deliverThroughSmtp(delivery, channel!, viaSmtp)
  }
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

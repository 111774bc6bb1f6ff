import type { App } from '../../platform/app.ts'
import { dkimKeys } from '../channels/dkim.ts'
import type { MailSource } from '../templates/render.ts'
import { rendererOf } from '../templates/renderer.ts'
import { senderRules } from '../templates/sender.ts'
import { TemplateError } from '../templates/template-error.ts'
import type { Addressed } from './addressing.ts'
import type { Delivery } from './delivery.ts'
import { unsubscribeUrl } from './links.ts'
import { type LoadedMessage, loadAttachments, type TemplateRow } from './load.ts'
import { mailSourceOf, scopeSourceOf } from './mail-source.ts'
import type { Outcome } from './outcomes.ts'
import { beginRender, endRender, maxRenders } from './renders.ts'
import { type ComposedMail, type ComposeItem, type ComposeShared, compose } from './work.ts'

export interface ReadyMail {
  message: LoadedMessage
  mail: ComposedMail
  /** Goes to the test address: its bounce says nothing about the person. */
  redirected: boolean
  addressed: Addressed
  /** When it was decided that it may leave, epoch ms. */
  decidedAt: number
}

interface Chunk {
  ready: ReadyMail[]
  failed: Outcome[]
}

const laterMs = 3_000

/**
 * Makes the mails of some messages. What can't be made fails, with where and why; it says nothing about the others. A
 * message whose job came back may be what ended a process: it is made by itself, and counted before.
 */
export async function composeChunk(delivery: Delivery, addressed: Addressed[]): Promise<Chunk> {
  const chunk: Chunk = { ready: [], failed: [] }
  const isSuspect = ({ message }: Addressed) => delivery.attemptOf(message.id) > 1
  await composeTogether(
    delivery,
    addressed.filter((mail) => !isSuspect(mail)),
    chunk,
  )
  for (const suspect of addressed.filter(isSuspect)) await composeCounted(delivery, suspect, chunk)
  return chunk
}

async function composeCounted(delivery: Delivery, mail: Addressed, chunk: Chunk): Promise<void> {
  const { app, projectId, signal } = delivery
  signal.throwIfAborted()
  const renders = await beginRender(app, projectId, mail.message.id)
  if (renders > maxRenders) {
    const { template } = sourceOf(delivery, mail.message)
    const reason = `the process ended ${maxRenders} times while this mail was being made; it is not tried again`
    chunk.failed.push(failure(mail, `${nameOf(template)}: ${reason}`))
    return
  }
  // What is thrown here was told to this process, so it lives: such a try does not count.
  await composeTogether(delivery, [mail], chunk).finally(() => endRender(app, projectId, mail.message.id))
}

async function composeTogether(delivery: Delivery, addressed: Addressed[], chunk: Chunk): Promise<void> {
  const { app, projectId, sending } = delivery
  const attachments = await loadAttachments(
    app,
    projectId,
    addressed.filter(({ message }) => message.input.attachments).map(({ message }) => message.id),
  )
  const shared: ComposeShared = {
    projectId,
    projectName: sending.projectName,
    sources: [],
    keys: dkimKeys(app, projectId, sending.domains),
    senders: senderRules(app.config),
    date: app.now(),
  }
  const indexOf = sourceIndex(shared.sources)
  const made: Addressed[] = []
  const items: ComposeItem[] = []
  for (const mail of addressed) {
    const { message, to, bcc } = mail
    const { template, gone } = sourceOf(delivery, message)
    if (gone) {
      chunk.failed.push(failure(mail, 'the template was deleted'))
      continue
    }
    made.push(mail)
    items.push({
      source: indexOf(message, template),
      scope: scopeSourceOf(app, projectId, message, mail.insteadOf ?? to),
      to,
      names: message.input.recipientNames,
      bcc,
      left: message.input.left,
      headers: platformHeaders(app, projectId, mail),
      attachments: (attachments.get(message.id) ?? []).map(({ filename, content }) => ({
        filename,
        // A copy of its own: what crosses takes the whole buffer along that it is a part of.
        content: new Uint8Array(content),
      })),
      staysHere: mail.sandbox,
    })
  }
  const ends = await rendererOf(app).run(compose, projectId, shared, items)
  for (const [index, end] of ends.entries()) {
    const mail = made[index]!
    const { message } = mail
    if ('result' in end) {
      chunk.ready.push({
        message,
        mail: end.result,
        redirected: mail.insteadOf !== undefined,
        addressed: mail,
        decidedAt: delivery.decidedAt,
      })
    } else if ('later' in end) {
      delivery.postpone(message.id, laterMs + Math.random() * laterMs)
    } else {
      if (!(end.error instanceof TemplateError))
        app.log.error({ err: end.error, projectId, messageId: message.id }, 'a mail could not be made')
      chunk.failed.push(
        failure(mail, `${nameOf(sourceOf(delivery, message).template)}: ${end.error.message}`),
      )
    }
  }
}

function sourceOf({ templates }: Delivery, { templateId }: LoadedMessage) {
  const template = templateId === null ? undefined : templates.get(templateId)
  return { template, gone: templateId !== null && !template }
}

const nameOf = (template: TemplateRow | undefined) => (template ? `template "${template.name}"` : 'template')

const failure = ({ message, to }: Addressed, reason: string): Outcome => ({
  id: message.id,
  state: 'failed',
  reason,
  personId: message.personId,
  recipient: to.join(', '),
})

/** The place of a message's source among those that cross; mails of one template share it. */
function sourceIndex(sources: MailSource[]) {
  const byTemplate = new Map<number, number>()
  return (message: LoadedMessage, template: TemplateRow | undefined): number => {
    const isPlain = template && Object.keys(message.input.mail ?? {}).length === 0
    const known = isPlain ? byTemplate.get(template.id) : undefined
    if (known !== undefined) return known
    const index = sources.push(mailSourceOf(message, template)) - 1
    if (isPlain) byTemplate.set(template.id, index)
    return index
  }
}

function platformHeaders(
  app: App,
  projectId: number,
  { message, marketing, insteadOf }: Addressed,
): Record<string, string> {
  const campaign = message.originId ?? message.templateId ?? 0
  const headers: Record<string, string> = {
    'Feedback-ID': `${campaign}:${projectId}:${message.consent?.kind}:fairway`,
  }
  if (marketing) {
    // RFC 8058: the mail client unsubscribes with one POST to this address.
    headers['List-Unsubscribe'] = `<${unsubscribeUrl(app, projectId, message.id)}>`
    headers['List-Unsubscribe-Post'] = 'List-Unsubscribe=One-Click'
  }
  if (insteadOf) headers['X-Fairway-Test-For'] = insteadOf.join(', ')
  return headers
}

import type { Addressed, ToCompose } from '../channels/channel.ts'
import type { Made } from '../channels/gateway.ts'
import type { LoadedMessage, TemplateRow } from '../messages/load.ts'
import { TemplateError } from '../templates/template-error.ts'
import type { Delivery } from './delivery.ts'
import type { Outcome } from './outcomes.ts'
import { beginRender, endRender, maxRenders } from './renders.ts'

export interface ReadyMail {
  message: LoadedMessage
  /** As the channel made it. */
  mail: Made
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
  const { app, projectId, channel } = delivery
  const made: ToCompose[] = []
  for (const mail of addressed) {
    const { template, gone } = sourceOf(delivery, mail.message)
    if (gone) chunk.failed.push(failure(mail, 'the template was deleted'))
    else made.push({ ...mail, template })
  }
  const ends = await channel.compose(delivery, made)
  for (const [index, end] of ends.entries()) {
    const { template, ...mail } = made[index]!
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
        app.log.error({ err: end.error, projectId, messageId: message.id }, 'a message could not be made')
      chunk.failed.push(failure(mail, `${nameOf(template)}: ${end.error.message}`))
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

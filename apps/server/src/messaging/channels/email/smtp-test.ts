import { randomUUID } from 'node:crypto'
import type { App } from '../../../platform/app.ts'
import { addressProblem, canonicalAddress, domainOf } from '../../../platform/email-address.ts'
import { invalidField } from '../../../platform/errors.ts'
import { parseMailboxes } from '../../addresses/addresses.ts'
import { rendererOf } from '../../templates/renderer.ts'
import { senderRules, sourceProblem } from '../../templates/sender.ts'
import { resultOf } from '../../templates/templates.ts'
import { SmtpGateway, type SmtpSettings } from './smtp.ts'
import { writeMessage } from './work.ts'

const testTimeouts = { connectMs: 10_000, replyMs: 20_000, messageMs: 20_000 }

function readAddress(field: string, text: string): string {
  const problem = addressProblem(text)
  if (problem !== undefined) throw invalidField(field, problem)
  return canonicalAddress(text)!
}

/** Connects, upgrades to TLS and logs in; with an address, sends a mail there as well. */
export async function trySmtp(
  app: App,
  projectId: number,
  settings: SmtpSettings,
  mail: { to: string; from?: string } | undefined,
): Promise<void> {
  const gateway = new SmtpGateway(settings, {
    limits: { perSecond: 0, connections: 1 },
    timeouts: testTimeouts,
    allowPrivate: app.config.allowPrivateNetworks,
    now: app.now,
  })
  try {
    if (!mail)
      return await gateway.probe((await usualSender(app, projectId)) ?? canonicalAddress(settings.user ?? ''))
    const to = readAddress('to', mail.to)
    const from = mail.from ? readAddress('from', mail.from) : ((await usualSender(app, projectId)) ?? to)
    const [end] = await rendererOf(app).run(writeMessage, projectId, null, [
      {
        messageId: `<${randomUUID()}@${domainOf(from)}>`,
        from: { name: '', address: from },
        to: [{ name: '', address: to }],
        subject: 'Fairway can send through this server',
        html: '<p>This mail was sent by the connection test of Fairway. Nothing has to be done.</p>',
        text: 'This mail was sent by the connection test of Fairway. Nothing has to be done.',
        headers: {},
        attachments: [],
        date: app.now(),
      },
    ])
    const result = await gateway.send({
      envelope: { from, to: [to] },
      source: resultOf(end!),
    })
    if (result.outcome !== 'sent') throw new Error(result.reason)
  } finally {
    gateway.close()
  }
}

/** Of the newest template with a sender that is written out: a server may refuse to send for anybody else. */
async function usualSender(app: App, projectId: number): Promise<string | undefined> {
  const { rows } = await app.pool.query<{ from: string }>(
    `select from_address as "from" from templates
     where project_id = $1 and from_address <> '' and from_address not like '%{%' order by id desc limit 20`,
    [projectId],
  )
  const sources = rows.map(({ from }) => from)
  return sources
    .filter((from) => sourceProblem('from', from, senderRules(app.config)) === undefined)
    .flatMap((from) => parseMailboxes(from) ?? [])[0]?.address
}

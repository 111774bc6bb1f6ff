import type { RenderedMail } from './render.ts'
import { type SenderRules, senderProblem } from './sender.ts'
import { TemplateError } from './template-error.ts'

/** A control character takes six bytes of JSON: a mail within its own limit may be a preview of 23 MB. */
const maxBytes = 6_000_000

/**
 * The answer of a preview, made where the mail was made: of 4 MB of text, JSON holds the event loop for 400 ms.
 *
 * @throws {TemplateError} above 6 MB.
 */
export function previewJson(
  mail: RenderedMail,
  senders: SenderRules,
  beside: Record<string, unknown>,
): Uint8Array {
  const json = Buffer.from(JSON.stringify({ ...mail, ...senderOf(mail, senders), ...beside }))
  if (json.byteLength > maxBytes)
    throw new TemplateError(
      'html',
      `is too large to be shown: its preview takes more than ${maxBytes / 1e6} MB`,
    )
  return json
}

const senderOf = ({ from, replyTo }: RenderedMail, senders: SenderRules) => ({
  from: from.text,
  replyTo: replyTo.text,
  senderProblem:
    senderProblem('fromAddress', from, senders) ?? senderProblem('replyTo', replyTo, senders) ?? null,
})

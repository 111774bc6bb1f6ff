import type { Refuser } from '../result.ts'
import type { SmtpError } from './smtp-error.ts'

/** Log in first, the login is wrong, log in otherwise, use TLS (RFC 4954, 3207), or a session that is closed or confused. */
const aboutSession = new Set([421, 454, 530, 534, 535, 538])
/** To MAIL FROM: the address, the policy or the mailbox of the sender. Other codes are about the server or the session. */
const aboutSender = new Set([450, 451, 501, 550, 551, 553, 554, 555])

/** Credentials, encryption, a disabled account (RFC 5248), and a quota as Gmail says it. */
const accountStatus = /\b[45]\.(?:7\.(?:8|9|10|11|13|14)|4\.5)\b/
const quotaStatus = /\b[45]\.4\.5\b/
const systemStatus = /\b[45]\.3\.[0123]\b/
const policyStatus = /\b[45]\.7\.\d/
/** Of a recipient's mailbox or address, or a message's size, whatever else the text says. */
const mailStatus = /\b[45]\.(?:2\.\d|1\.(?:1|2|3|4|5|6|10)\b|3\.4\b)/
const anyStatus = /\b[45]\.\d{1,3}\.\d{1,3}\b/
const senderStatus = /\b[45]\.1\.[78]\b/
const sayQuota =
  /\b(?:quota|rate limit|rate exceeded|sending rate|sending limit|daily limit|hourly limit|limit exceeded|limit reached|too many (?:messages|mails|emails)|throttl)/i
const sayLogin =
  /\b(?:authentication required|authentication is required|must authenticate|not authenticated|auth required)/i
const sayRelay = /\b(?:relay access denied|relaying denied|relay denied|unable to relay|relay not permitted)/i
const saySender = /\bsender (?:address )?(?:rejected|denied|refused|not allowed|not authorized|not verified)/i

/**
 * What comes before RCPT is never about a recipient. Behind it servers say what they think of the account or the sender, too: many
 * answer only there (Postfix by default), or after the message.
 */
export function refusedBy(error: SmtpError): Refuser {
  if (isAboutAccount(error)) return 'provider'
  const text = textOf(error)
  if (error.command === 'MAIL FROM') {
    return aboutSender.has(error.responseCode!) && !systemStatus.test(text) ? 'sender' : 'provider'
  }
  if (senderStatus.test(text) || saySender.test(text)) return 'sender'
  return 'mail'
}

function isAboutAccount(error: SmtpError): boolean {
  if (aboutSession.has(error.responseCode ?? 0)) return true
  if (error.rejectedErrors?.some(isAboutAccount)) return true
  const text = textOf(error)
  if (mailStatus.test(text)) return false
  if (accountStatus.test(text) || sayLogin.test(text) || sayRelay.test(text)) return true
  const mayBePolicy = error.command === 'MAIL FROM' || policyStatus.test(text) || !anyStatus.test(text)
  return mayBePolicy && error.command !== 'RCPT TO' && sayQuota.test(text)
}

export const saysQuota = (error: SmtpError): boolean =>
  quotaStatus.test(textOf(error)) || sayQuota.test(textOf(error))

const textOf = ({ response, message }: SmtpError) => response ?? message

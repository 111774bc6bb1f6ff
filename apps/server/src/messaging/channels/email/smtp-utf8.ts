import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { SmtpError } from './smtp-error.ts'

interface Internals {
  _setEnvelope(this: Connection, envelope: Envelope, callback: Callback): void
}

type Callback = (error: SmtpError | null, info?: { rejectedErrors?: SmtpError[] }) => void

interface Connection extends Internals {
  _supportedExtensions: string[]
}

interface Envelope {
  from: string
  to: string[]
}

const ascii = /^[ -~]*$/
const isForeign = (address: string) => !ascii.test(address)

/**
 * Addresses beyond ASCII need a server that knows SMTPUTF8 (RFC 6531). To another nodemailer sends them as raw 8-bit bytes; now
 * such recipients are refused here, before MAIL, and the others get the mail. It offers no place for that between EHLO and MAIL; a test
 * holds it to the one taken here.
 */
export function refuseUtf8WithoutExtension(): void {
  const prototype = SMTPConnection.prototype as unknown as Internals
  const setEnvelope = prototype._setEnvelope
  prototype._setEnvelope = function (envelope, callback) {
    if (this._supportedExtensions.includes('SMTPUTF8')) return setEnvelope.call(this, envelope, callback)
    const refused = envelope.to.filter(isForeign)
    const others = envelope.to.filter((address) => !isForeign(address))
    const nobody = isForeign(envelope.from) ? envelope.from : others.length === 0 ? refused[0] : undefined
    if (nobody !== undefined) return callback(refusalOf(nobody))
    envelope.to = others
    const refusals = refused.map((recipient) => Object.assign(refusalOf(recipient), { recipient }))
    setEnvelope.call(this, envelope, (error, info) => {
      // Of a refused sender no recipient was asked.
      const about = info ?? (error?.rejectedErrors && error)
      if (about && refusals.length > 0) about.rejectedErrors = [...(about.rejectedErrors ?? []), ...refusals]
      callback(error, info)
    })
  }
}

const refusalOf = (address: string) =>
  Object.assign(new Error(`the server takes no address beyond ASCII (SMTPUTF8), and ${address} is one`), {
    code: 'EENVELOPE',
    command: 'API',
  })

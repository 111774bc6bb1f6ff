import SMTPConnection from 'nodemailer/lib/smtp-connection'

interface Internals {
  _setEnvelope(this: Connection, envelope: Envelope, callback: (error: Error) => void): void
}

interface Connection extends Internals {
  _supportedExtensions: string[]
}

interface Envelope {
  from: string
  to: string[]
}

const ascii = /^[ -~]*$/

/**
 * Addresses beyond ASCII need a server that knows SMTPUTF8 (RFC 6531). To another nodemailer sends them as raw 8-bit bytes; now
 * such a mail fails before MAIL. It offers no place for that between EHLO and MAIL; a test holds it to the one taken here.
 */
export function refuseUtf8WithoutExtension(): void {
  const prototype = SMTPConnection.prototype as unknown as Internals
  const setEnvelope = prototype._setEnvelope
  prototype._setEnvelope = function (envelope, callback) {
    const foreign = [envelope.from, ...envelope.to].find((address) => !ascii.test(address))
    if (foreign === undefined || this._supportedExtensions.includes('SMTPUTF8')) {
      setEnvelope.call(this, envelope, callback)
      return
    }
    const problem = `the server takes no address beyond ASCII (SMTPUTF8), and ${foreign} is one`
    callback(Object.assign(new Error(problem), { code: 'EENVELOPE', command: 'API' }))
  }
}

import type { Socket } from 'node:net'
import SMTPConnection from 'nodemailer/lib/smtp-connection'

interface Connection {
  _socket: Socket | false
  options: { socketTimeout: number; messageTimeout?: number }
  _createSendStream(this: Connection, callback: Callback): unknown
}

type Callback = (...results: unknown[]) => void

/**
 * A healthy server answers a command in a moment, but may need minutes for a message it was given: it looks for viruses, or hands it
 * on first (RFC 5321, 4.5.3.2.6). nodemailer has one limit for both, `socketTimeout`; now `messageTimeout` holds from the first byte
 * of the message to its answer. A test holds nodemailer to the place taken here.
 */
export function waitLongerForMessages(): void {
  const prototype = SMTPConnection.prototype as unknown as Connection
  const createSendStream = prototype._createSendStream
  prototype._createSendStream = function (callback) {
    const { socketTimeout, messageTimeout = socketTimeout } = this.options
    if (this._socket) this._socket.setTimeout(messageTimeout)
    return createSendStream.call(this, (...results) => {
      if (this._socket) this._socket.setTimeout(socketTimeout)
      callback(...results)
    })
  }
}

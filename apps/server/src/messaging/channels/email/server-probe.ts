import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type SMTPPool from 'nodemailer/lib/smtp-pool'
import type { SmtpError } from './smtp-error.ts'

/** Nodemailer has no words for a transaction without recipients; a test holds it to the ones taken here. */
interface Internals {
  _sendCommand(command: string): void
  _responseActions: ((reply: string) => void)[]
}

type Connect = (callback: (error: Error | null, socket?: object) => void) => void

/**
 * Connects, upgrades to TLS, logs in, and names a sender, as for a mail: many servers say only then that they want a login, or that
 * the account may not send. Nothing is sent. Rejects with what the server said.
 *
 * @param from empty: the sender of bounces, whom every server takes from those who may send
 */
export function probeServer(options: SMTPPool.Options, from: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const getSocket = options.getSocket as unknown as (
      options: object,
      callback: Parameters<Connect>[0],
    ) => void
    getSocket(options, (failure, socket) => {
      if (failure) return reject(failure)
      const connection = new SMTPConnection({ ...options, ...socket } as SMTPConnection.Options)
      const end = (error?: Error | null) => {
        if (error) {
          reject(error)
          connection.close()
        } else {
          resolve()
          connection.quit()
        }
      }
      connection.once('error', end)
      connection.once('end', () => reject(new Error('Connection closed')))
      connection.connect((error) => {
        if (error) return end(error)
        const { user, pass = '' } = (options.auth ?? {}) as { user?: string; pass?: string }
        const nameSender = () => mailFrom(connection, from, end)
        if (!user || !connection.allowsAuth) return nameSender()
        connection.login({ user, pass, credentials: { user, pass } } as never, (refused) =>
          refused ? end(refused) : nameSender(),
        )
      })
    })
  })
}

function mailFrom(connection: SMTPConnection, from: string, end: (error?: Error | null) => void): void {
  const { _sendCommand, _responseActions } = connection as unknown as Internals
  _responseActions.push((reply) => {
    if (!reply.startsWith('2')) return end(refusalOf(reply))
    connection.reset(end)
  })
  _sendCommand.call(connection, `MAIL FROM:<${from}>`)
}

const refusalOf = (response: string): SmtpError =>
  Object.assign(new Error(`Mail command failed: ${response}`), {
    code: 'EENVELOPE',
    command: 'MAIL FROM',
    response,
    responseCode: Number.parseInt(response, 10),
  })

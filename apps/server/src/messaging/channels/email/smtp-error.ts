/** What nodemailer throws. */
export interface SmtpError extends Error {
  code?: string
  /** What stood in `code` before nodemailer put its own there. */
  originalCode?: string
  command?: string
  response?: string
  responseCode?: number
  recipient?: string
  rejectedErrors?: SmtpError[]
}

/** As the server or the network said it. */
export function rawOf(error: SmtpError): string {
  const where =
    error.command && error.command !== 'CONN' && error.command !== 'API' ? `${error.command}: ` : ''
  return `${where}${error.response ?? error.message}`.replace(/\s+/g, ' ').slice(0, 500)
}

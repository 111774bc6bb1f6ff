import { refusedBy, saysQuota } from './refusals.ts'
import { rawOf, type SmtpError } from './smtp-error.ts'

/** The server, as people know it. */
export interface ServerName {
  host: string
  port: number
}

/**
 * What went wrong with a mail server, in words that say what to check; what the server or the network said itself is kept behind, in
 * brackets. What has no words here is told as it was said.
 */
export function wordSmtpError(error: SmtpError, at?: ServerName): string {
  const raw = rawOf(error)
  const words = wordsOf(error, at)
  return words === undefined ? raw : `${words} (${raw})`
}

function wordsOf(error: SmtpError, at: ServerName | undefined): string | undefined {
  const where = at ? `${at.host}:${at.port}` : 'the server'
  if (error.command === 'STARTTLS') return noStartTls(where)
  if (error.responseCode !== undefined) return wordsOfReply(error)
  const host = at?.host ?? 'that name'
  const codes = [error.originalCode, error.code].filter((code) => code !== undefined)
  for (const code of codes) {
    if (certificateCodes.has(code)) return certificateWords(code, host)
    const words = networkWords[code]
    if (words) return words(where, host)
  }
  const text = error.message
  if (text.includes('STARTTLS')) return noStartTls(where)
  if (text.includes('Greeting never received')) return silent(where)
  if (text.includes('wrong version number')) return noTls(where)
  return undefined
}

const silent = (where: string) =>
  `${where} does not answer: check the host, the port and the choice of encryption, and whether a firewall is between`
const noTls = (where: string) =>
  `${where} does not begin with TLS: check the port and the choice of encryption (TLS from the first byte is usual on port 465)`

const noStartTls = (where: string) =>
  `${where} offers no encryption by STARTTLS: check the port and the choice of encryption`

const noSuchServer = (_where: string, host: string) => `There is no server called ${host}: check the host`
const unreachable = (where: string) => `There is no way to ${where}: check the host and the network`
const hungUp = (where: string) => `${where} hung up`

/** By the code of the system, of OpenSSL or of nodemailer. */
const networkWords: Record<string, (where: string, host: string) => string> = {
  ENOTFOUND: noSuchServer,
  ENODATA: noSuchServer,
  EAI_AGAIN: (_where, host) => `The name ${host} could not be looked up just now`,
  ECONNREFUSED: (where) => `Nothing takes connections at ${where}: check the host and the port`,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: silent,
  ECONNRESET: hungUp,
  EPIPE: hungUp,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
}

const certificateCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_UNTRUSTED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

function certificateWords(code: string, host: string): string {
  if (code === 'CERT_HAS_EXPIRED') return `The certificate of ${host} has expired`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The certificate is for another name than ${host}: check the host`
  return `The certificate of ${host} is not signed by anybody known: check the host, or allow certificates that can't be verified`
}

function wordsOfReply(error: SmtpError): string | undefined {
  const { responseCode: code, command = '' } = error
  if (command.startsWith('AUTH')) {
    return code === 535
      ? 'The server refuses the login: check the user name and the password'
      : 'The server refuses the login'
  }
  const refuser = refusedBy(error)
  if (refuser === 'sender')
    return "The server takes no mail from this sender: check the template's sender, and whether the provider has it verified"
  if (refuser === 'mail') return undefined
  if (code === 530) return 'The server wants a login first: give a user name and a password'
  if (code === 534 || code === 535 || code === 538)
    return 'The server refuses the login: check the user name, the password and the choice of encryption'
  if (saysQuota(error)) return 'The provider takes no more mail for now: a limit of the account is reached'
  return command === 'MAIL FROM' || command === 'RCPT TO' || command === 'DATA'
    ? 'The provider takes no mail of this account'
    : undefined
}

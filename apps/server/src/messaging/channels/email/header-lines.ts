import { TemplateError } from '../../templates/template-error.ts'

/** RFC 5322, 2.1.1: without the line break. */
const maxLineOctets = 998
/** What common servers take; Postfix refuses more than 100 KB. */
const maxHeaderOctets = 64 * 1024

/** Headers are folded at blanks; throws {@link TemplateError} for one that has none where it needs one. */
export function checkHeaderLines(message: Buffer): void {
  const end = message.indexOf('\r\n\r\n')
  const headers = message.toString('latin1', 0, end)
  if (headers.length > maxHeaderOctets) {
    throw new TemplateError('headers', `have more than ${maxHeaderOctets / 1024} KB together: shorten them`)
  }
  let name = ''
  for (const line of headers.split('\r\n')) {
    if (!/^[ \t]/.test(line)) name = line.slice(0, line.indexOf(':'))
    if (line.length <= maxLineOctets) continue
    throw new TemplateError(
      partOf(name),
      `has ${line.length} octets without a blank where its line could be broken, and mail allows ${maxLineOctets}: shorten it`,
    )
  }
}

const parts: Record<string, string> = { From: 'from', Subject: 'subject', 'Reply-To': 'reply_to' }
const partOf = (header: string) => parts[header] ?? `headers.${header}`

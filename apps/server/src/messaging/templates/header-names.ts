import { TemplateError } from './template-error.ts'

/**
 * Headers that say who sends and who receives, that prove it, that tell the way a mail took, or what it is made of: never set by
 * templates or callers. By kind, also where one of them is no standard: programs act on it all the same.
 */
const reservedKinds: [kind: string, names: RegExp][] = [
  ['made of', /^(?:content-.*|mime-version|subject|date|message-id)$/i],
  [
    'addressed',
    /^(?:from|sender|to|cc|bcc|reply-to|resent-.*|apparently-.*|envelope-.*|original-.*|x-(?:apparently|envelope|original|rcpt)-.*|mail-(?:followup|reply)-to|x-(?:to|cc|bcc|pm-bcc|mc-bccaddress|smtpapi|msys-api))$/i,
  ],
  [
    'reported on',
    /^(?:(?:x-)?errors-to|return-path|return-receipt-.*|disposition-notification-.*|x-confirm-reading-to|generate-delivery-report)$/i,
  ],
  ['traced', /^(?:(?:x-)?received(?:-.*)?|(?:x-)?delivered-to|x-forwarded-.*)$/i],
  ['proven', /^(?:arc-.*|dkim-.*|domainkey-.*|authentication-results(?:-.*)?|bimi-.*)$/i],
  ['unsubscribed from', /^list-unsubscribe(?:-post)?$/i],
  ['known by Fairway', /^x-fairway-.*$/i],
]

const reservedKind = (name: string) => reservedKinds.find(([, names]) => names.test(name))

export const isReservedHeader = (name: string) => reservedKind(name) !== undefined

/** Throws {@link TemplateError} for a name that is no header name or belongs to the platform. */
export function requireHeaderName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,75}$/.test(name)) {
    throw new TemplateError(
      `headers.${name.slice(0, 100)}`,
      'is not a header name: use letters, digits and dashes',
    )
  }
  const reserved = reservedKind(name)
  if (reserved)
    throw new TemplateError(
      `headers.${name}`,
      `is set by the platform: by it a mail is ${reserved[0]}; leave it out, or give it a name of your own (X-…)`,
    )
}

import { TemplateError } from './template-error.ts'

/** Headers that the mail itself is made of, or that prove who sent it: never set by templates or callers. */
const reservedHeaders =
  /^(?:content-|arc-|x-fairway-|(?:from|sender|to|cc|bcc|subject|date|message-id|mime-version|dkim-signature|authentication-results|received|return-path|list-unsubscribe(?:-post)?|reply-to)$)/i

/** Throws {@link TemplateError} for a name that is no header name or belongs to the platform. */
export function requireHeaderName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,75}$/.test(name)) {
    throw new TemplateError(
      `headers.${name.slice(0, 100)}`,
      'is not a header name: use letters, digits and dashes',
    )
  }
  if (reservedHeaders.test(name)) throw new TemplateError(`headers.${name}`, 'is set by the platform')
}

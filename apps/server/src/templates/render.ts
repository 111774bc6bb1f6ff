import type { Template } from 'liquidjs'
import { BoundedCache } from './bounded-cache.ts'
import { parseLiquid, renderLiquid, TemplateError } from './engine.ts'
import { htmlToText, mayContainMarkup, textTemplateOf } from './plain-text.ts'

/** A mail as its author wrote it, every part Liquid. */
export interface MailSource {
  from: string
  replyTo?: string | null
  subject: string
  preheader?: string | null
  html: string
  /** Null or absent: made from the HTML. */
  text?: string | null
  headers?: Record<string, string>
}

export interface RenderedMail {
  from: string
  replyTo: string
  subject: string
  html: string
  text: string
  headers: Record<string, string>
}

/** Compiled parts by their source. Bodies given inline differ from mail to mail, so the cache is bounded in size. */
const compiled = new BoundedCache<string, Template[]>({ maxEntries: 2_000, maxSize: 8_000_000 })
const textSources = new BoundedCache<string, { source: string | undefined }>({
  maxEntries: 500,
  maxSize: 8_000_000,
})

function compile(part: string, source: string): Template[] {
  const known = compiled.get(source)
  if (known) return known
  const template = parseLiquid(part, source)
  compiled.set(source, template, source.length)
  return template
}

function renderPart(part: string, source: string | null | undefined, scope: object): string {
  if (!source) return ''
  if (!source.includes('{{') && !source.includes('{%')) return source
  return renderLiquid(part, compile(part, source), scope)
}

/** Parses every part. Throws {@link TemplateError} for the first mistake. */
export function validateMail(source: MailSource): void {
  const parts: [string, string | null | undefined][] = [
    ['from', source.from],
    ['reply_to', source.replyTo],
    ['subject', source.subject],
    ['preheader', source.preheader],
    ['html', source.html],
    ['text', source.text],
    ...Object.entries(source.headers ?? {}).map(([name, value]): [string, string] => [
      `headers.${name}`,
      value,
    ]),
  ]
  for (const [part, value] of parts) if (value) parseLiquid(part, value)
  for (const name of Object.keys(source.headers ?? {})) requireHeaderName(name)
}

/** Throws {@link TemplateError}. Nothing in the result can start a new header line. */
export function renderMail(source: MailSource, scope: object): RenderedMail {
  const bodyOnly = renderPart('html', source.html, scope)
  const preheader = oneLine(renderPart('preheader', source.preheader, scope))
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(source.headers ?? {})) {
    requireHeaderName(name)
    headers[name] = oneLine(renderPart(`headers.${name}`, value, scope))
  }
  return {
    from: oneLine(renderPart('from', source.from, scope)),
    replyTo: oneLine(renderPart('reply_to', source.replyTo, scope)),
    subject: oneLine(renderPart('subject', source.subject, scope)),
    html: preheader ? insertPreheader(bodyOnly, preheader) : bodyOnly,
    text: source.text ? renderPart('text', source.text, scope) : textOf(source.html, bodyOnly, scope),
    headers,
  }
}

function textOf(htmlSource: string, rendered: string, scope: object): string {
  if (!rendered) return ''
  let entry = textSources.get(htmlSource)
  if (!entry) {
    entry = { source: textTemplateOf(htmlSource) }
    textSources.set(htmlSource, entry, htmlSource.length)
  }
  if (entry.source === undefined) return htmlToText(rendered)
  try {
    const text = renderPart('text', entry.source, scope)
    return mayContainMarkup(text) ? htmlToText(rendered) : text.replace(/\n{3,}/g, '\n\n').trim()
  } catch {
    // The HTML rendered, so its own text is always to be had.
    return htmlToText(rendered)
  }
}

/** Plain ASCII, which nearly every value is, needs no look at Unicode's control characters. */
const oneLine = (value: string) =>
  (/[^ -~]/.test(value) ? value.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ') : value).trim()

const escapeHtml = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** The line that mail clients show after the subject: first in the body, hidden in the mail itself. */
function insertPreheader(html: string, preheader: string): string {
  const hidden = `<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all">${escapeHtml(preheader)}</div>`
  const body = /<body\b[^>]*>/i.exec(html)
  if (!body) return hidden + html
  const end = body.index + body[0].length
  return html.slice(0, end) + hidden + html.slice(end)
}

/** Headers that the mail itself is made of, or that prove who sent it: never set by templates or callers. */
const reservedHeaders =
  /^(from|sender|to|cc|bcc|subject|date|message-id|mime-version|content-.*|dkim-signature|arc-.*|authentication-results|received|return-path|list-unsubscribe(-post)?|x-fairway-.*|reply-to)$/i

/** Throws {@link TemplateError} for a name that is no header name or belongs to the platform. */
export function requireHeaderName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,75}$/.test(name)) {
    throw new TemplateError(`headers.${name}`, 'is not a header name: use letters, digits and dashes')
  }
  if (reservedHeaders.test(name)) throw new TemplateError(`headers.${name}`, 'is set by the platform')
}

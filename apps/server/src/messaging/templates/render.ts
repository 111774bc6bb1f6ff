import type { Template } from 'liquidjs'
import { BoundedCache } from './bounded-cache.ts'
import { decodeBraces } from './encoded-braces.ts'
import { parseLiquid, parseSenderLiquid, renderLiquid } from './engine.ts'
import { isReservedHeader, requireHeaderName } from './header-names.ts'
import { htmlToText, mayContainMarkup, textTemplateOf } from './plain-text.ts'
import { insertPreheader } from './preheader.ts'
import { enterPart } from './render-position.ts'
import { readSender, type Sender } from './sender.ts'

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
  from: Sender
  replyTo: Sender
  subject: string
  html: string
  text: string
  headers: Record<string, string>
}

/** Compiled parts by their source. Bodies given inline differ from mail to mail, so the cache is bounded in bytes. */
const compiled = new BoundedCache<string, Template[]>({ maxEntries: 2_000, maxSize: 8_000_000 })
const textSources = new BoundedCache<string, { source: string | undefined }>({
  maxEntries: 500,
  maxSize: 4_000_000,
})
/** What a compiled tag takes in memory: 200,000 times `{{a}}` took 190 MB. */
const tagBytes = 1_000

function compile(part: string, source: string): Template[] {
  const key = isSender(part) ? `sender ${source}` : source
  const known = compiled.get(key)
  if (known) return known
  const template = parsePart(part, source)
  compiled.set(key, template, source.length + tagBytes * template.length)
  return template
}

const isSender = (part: string) => part === 'from' || part === 'reply_to'

const parsePart = (part: string, source: string): Template[] =>
  isSender(part) ? parseSenderLiquid(part, source) : parseLiquid(part, source)

function renderPart(part: string, source: string | null | undefined, scope: object): string {
  if (!source) return ''
  enterPart(part)
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
    ['html', decodeBraces(source.html)],
    ['text', source.text],
    ...Object.entries(source.headers ?? {}).map(([name, value]): [string, string] => [
      `headers.${name}`,
      value,
    ]),
  ]
  for (const [part, value] of parts) {
    enterPart(part)
    if (value) parsePart(part, value)
  }
  for (const name of Object.keys(source.headers ?? {})) requireHeaderName(name)
}

/** Throws {@link TemplateError}. Nothing in the result can start a new header line. */
export function renderMail(source: MailSource, scope: object): RenderedMail {
  const html = decodeBraces(source.html)
  const bodyOnly = renderPart('html', html, scope)
  const preheader = oneLine(renderPart('preheader', source.preheader, scope))
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(source.headers ?? {})) {
    // A template that an older version took: its mail leaves without the header rather than not at all.
    if (isReservedHeader(name)) continue
    requireHeaderName(name)
    headers[name] = oneLine(renderPart(`headers.${name}`, value, scope))
  }
  return {
    from: readSender(oneLine(renderPart('from', source.from, scope))),
    replyTo: readSender(oneLine(renderPart('reply_to', source.replyTo, scope))),
    subject: oneLine(renderPart('subject', source.subject, scope)),
    html: preheader ? insertPreheader(bodyOnly, preheader) : bodyOnly,
    text: source.text ? renderPart('text', source.text, scope) : textOf(html, bodyOnly, scope),
    headers,
  }
}

function textOf(htmlSource: string, rendered: string, scope: object): string {
  if (!rendered) return ''
  enterPart('text')
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

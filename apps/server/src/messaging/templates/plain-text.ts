import { compile } from 'html-to-text'
import { maxRenderedLength } from './limits.ts'

/** What a mail client does not show: what belongs to the head, also of a fragment without one, and what is hidden. */
const hidden = [
  'head',
  'title',
  'template',
  '[hidden]',
  '[style*="display:none" i]',
  '[style*="display: none" i]',
  '[style*="visibility:hidden" i]',
  '[style*="visibility: hidden" i]',
  '[style*="mso-hide:all" i]',
  '[style*="mso-hide: all" i]',
]

const convert = compile({
  wordwrap: false,
  selectors: [
    { selector: 'img', format: 'skip' },
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, ignoreHref: false } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'table', format: 'block' },
    { selector: 'tr', format: 'block', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
    { selector: 'td', format: 'cell' },
    { selector: 'th', format: 'cell' },
    ...hidden.map((selector) => ({ selector, format: 'skip' })),
  ],
  formatters: {
    // Without a blank the cells of a row would be one word.
    cell(element, walk, builder) {
      walk(element.children, builder)
      builder.addInline(' ')
    },
  },
  limits: { maxInputLength: maxRenderedLength, maxDepth: 200 },
})

/** Readable plain text of an HTML mail: links keep their address, images are left out. */
export const htmlToText = (html: string): string => convert(html).trim()

const placeholder = /\uE000(\d+)\uE001/g

/**
 * The plain text of a Liquid HTML template, itself a Liquid template, so that the conversion is paid once a template
 * and not once a mail. Undefined when converting loses or moves a tag (one outside `<body>`, say): then each rendered
 * mail has to be converted.
 */
export function textTemplateOf(html: string): string | undefined {
  const { masked, tokens } = maskTokens(html)
  const kept: string[] = []
  const text = htmlToText(masked).replace(placeholder, (_, index: string) => {
    const token = tokens[Number(index)] ?? ''
    if (token.startsWith('{%')) kept.push(token)
    return token
  })
  const wanted = tokens.filter((token) => token.startsWith('{%'))
  const inOrder = wanted.length === kept.length && wanted.every((token, index) => token === kept[index])
  return inOrder ? text : undefined
}

/** Each `{{ … }}` and `{% … %}` replaced by its number. In one pass: an end that one opening lacks, no later one has. */
export function maskTokens(html: string): { masked: string; tokens: string[] } {
  const tokens: string[] = []
  const pieces: string[] = []
  const unended = new Set<string>()
  let kept = 0
  for (let at = html.indexOf('{'); at >= 0; at = html.indexOf('{', at + 1)) {
    const end = { '{': '}}', '%': '%}' }[html[at + 1] ?? '']
    if (!end || unended.has(end)) continue
    const last = html.indexOf(end, at + 2)
    if (last < 0) {
      unended.add(end)
      continue
    }
    pieces.push(html.slice(kept, at), `\uE000${tokens.length}\uE001`)
    kept = last + 2
    tokens.push(html.slice(at, kept))
    at = kept - 1
  }
  pieces.push(html.slice(kept))
  return { masked: pieces.join(''), tokens }
}

/** Values may bring markup of their own into a text that was made from the template: such a text is not plain. */
export const mayContainMarkup = (text: string): boolean => /<[a-z!/]|&(#\d|#x|[a-z]+;)/i.test(text)

import { compile } from 'html-to-text'

const convert = compile({
  wordwrap: false,
  selectors: [
    { selector: 'img', format: 'skip' },
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, ignoreHref: false } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'table', format: 'block' },
  ],
  limits: { maxInputLength: 4_000_000, maxDepth: 200 },
})

/** Readable plain text of an HTML mail: links keep their address, images are left out. */
export const htmlToText = (html: string): string => convert(html).trim()

const liquidToken = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g
const placeholder = /\uE000(\d+)\uE001/g

/**
 * The plain text of a Liquid HTML template, itself a Liquid template, so that the conversion is paid once a template
 * and not once a mail. Undefined when converting loses or moves a tag (one outside `<body>`, say): then each rendered
 * mail has to be converted.
 */
export function textTemplateOf(html: string): string | undefined {
  const tokens: string[] = []
  const masked = html.replace(liquidToken, (token) => `\uE000${tokens.push(token) - 1}\uE001`)
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

/** Values may bring markup of their own into a text that was made from the template: such a text is not plain. */
export const mayContainMarkup = (text: string): boolean => /<[a-z!/]|&(#\d|#x|[a-z]+;)/i.test(text)

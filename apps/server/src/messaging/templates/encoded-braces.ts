/** `{{ … }}` and `{% … %}` as editors write them into the address of a link. */
const encoded: [start: RegExp, end: RegExp][] = [
  [/%7B%7B/gi, /%7D%7D/gi],
  [/%7B%25/gi, /%25%7D/gi],
]

/** HTML whose Liquid is Liquid again where an editor has percent-encoded it. An end that one opening lacks, no later one has. */
export function decodeBraces(html: string): string {
  if (!/%7B/i.test(html)) return html
  let text = html
  for (const [start, end] of encoded) {
    const pieces: string[] = []
    let kept = 0
    for (start.lastIndex = 0; start.exec(text); ) {
      const from = start.lastIndex
      end.lastIndex = from
      if (!end.exec(text)) break
      pieces.push(text.slice(kept, from - 6), decode(text.slice(from - 6, end.lastIndex)))
      kept = start.lastIndex = end.lastIndex
    }
    pieces.push(text.slice(kept))
    text = pieces.join('')
  }
  return text
}

/** As it is where it is no encoded text. Liquid's other quotes don't end the attribute that it stands in. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text).replaceAll('"', "'")
  } catch {
    return text
  }
}

const escapeHtml = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** The line that mail clients show after the subject: first in the body, hidden in the mail itself. */
export function insertPreheader(html: string, preheader: string): string {
  const hidden = `<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all">${escapeHtml(preheader)}</div>`
  const start = afterBodyTag(html)
  return html.slice(0, start) + hidden + html.slice(start)
}

/** Where the first `<body …>` ends; 0 without one. An end that the first lacks, no later one has. */
function afterBodyTag(html: string): number {
  const body = /<body\b/i.exec(html)
  return body ? html.indexOf('>', body.index) + 1 : 0
}

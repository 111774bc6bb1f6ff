import type { LinkedMessage } from './unsubscribe.ts'

const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Plain pages for recipients: no script, nothing loaded, readable with every aid and in the dark. */
const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark }
body { font: 1.125rem/1.6 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center }
main { max-width: 32rem; padding: 2rem; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; line-height: 1.3 }
button { font: inherit; font-weight: 600; padding: .75rem 1.5rem; border: 0; border-radius: .5rem; background: #1c5fb8; color: #fff; cursor: pointer }
button:hover { background: #174f99 }
form + form { margin-top: .75rem }
button.quiet { background: none; color: inherit; border: 1px solid; padding: calc(.75rem - 1px) calc(1.5rem - 1px) }
button:focus-visible { outline: 3px solid #7fb2f5; outline-offset: 3px }
</style>
</head>
<body><main>
${body}
</main></body>
</html>
`

const button = (from: 'topic' | 'all', words: string, quiet = false) =>
  `<form method="post"><input type="hidden" name="from" value="${from}"><button type="submit"${quiet ? ' class="quiet"' : ''}>${words}</button></form>`

const stillArrive = 'Messages about your orders and your account still arrive.'

/** Link scanners follow links but press no buttons: only the form unsubscribes. Of a mail with a topic, from that or from all. */
export function confirmPage({ projectName, recipient, topic }: LinkedMessage): string {
  const who = recipient ? `<strong>${escapeHtml(recipient)}</strong> will` : 'You will'
  const [project, about] = [escapeHtml(projectName), escapeHtml(topic ?? '')]
  return page(
    'Unsubscribe',
    topic === null
      ? `<h1>Unsubscribe from ${project}?</h1>
<p>${who} no longer get marketing emails. ${stillArrive}</p>
${button('all', 'Unsubscribe')}`
      : `<h1>Unsubscribe from “${about}” of ${project}?</h1>
<p>${who} no longer get emails about “${about}”. Other marketing emails still arrive, unless you unsubscribe from them, too. ${stillArrive}</p>
${button('topic', `Unsubscribe from “${about}”`)}
${button('all', 'Unsubscribe from all marketing emails', true)}`,
  )
}

export const donePage = (projectName: string, topic: string | null) =>
  page(
    'Unsubscribed',
    `<h1>You are unsubscribed</h1>
<p role="status">You will get no more ${topic === null ? 'marketing emails' : `emails about “${escapeHtml(topic)}”`} from ${escapeHtml(projectName)}. You can close this page.</p>`,
  )

export const goneLinkPage = page(
  'Link not valid',
  `<h1>This link is not valid</h1>
<p>It may have been cut off by your mail program. Open it from the email again, or reply to the email and ask to be removed.</p>`,
)

export const goneMailPage = page(
  'Not available',
  `<h1>This email is no longer available</h1>
<p>It can only be read in your mailbox.</p>`,
)

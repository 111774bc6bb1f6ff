import type { Config } from './platform/config.ts'

/** What the first screen says: where to go, how to sign in, and how to send the first event to a new project. */
export function welcomeText(
  config: Pick<Config, 'publicUrl' | 'port'>,
  first: { name: string; trackingKey: string } | undefined,
  link: { url: string; expiresInMinutes: number },
): string {
  const address = config.publicUrl ?? `http://localhost:${config.port}`
  const lines = [
    '',
    '  Fairway is running.',
    '',
    `  Console        ${address}`,
    `  Sign in        ${link.url}`,
    `                 (works once, within ${link.expiresInMinutes} minutes; \`npx fairway sign-in-link\` prints another)`,
  ]
  if (first) {
    lines.push(
      `  Tracking key   ${first.trackingKey}`,
      `                 (of project "${first.name}"; keep it, it is not shown again)`,
      '',
      '  Send the first event:',
      '',
      `  curl ${address}/api/v2/events/track -H 'Content-Type: application/json' -d '${sampleEvent(first.trackingKey)}'`,
    )
  }
  return [...lines, '', '  Ctrl-C stops it.', ''].join('\n')
}

const sampleEvent = (trackingKey: string) =>
  JSON.stringify({
    auth_token: trackingKey,
    identity: { id: '1', email: 'ada@example.com' },
    event_name: 'Purchased item',
    data: { item: 'Red shoes', price: 49 },
  })

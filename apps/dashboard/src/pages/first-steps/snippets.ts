export interface Snippet {
  value: string
  label: string
  /** Where it goes. */
  hint: string
  code: string
}

/** The same first event in every way that Fairway takes it. `origin` is this installation's address. */
export function snippets(origin: string, key: string): Snippet[] {
  return [
    {
      value: 'curl',
      label: 'curl',
      hint: 'In any terminal.',
      code: `curl ${origin}/api/v2/events/track \\
  -H 'content-type: application/json' \\
  -d '{
    "auth_token": "${key}",
    "identity": { "id": "1", "email": "ada@example.com" },
    "event_name": "Signed up",
    "data": { "plan": "starter" }
  }'`,
    },
    {
      value: 'node',
      label: 'Node.js',
      hint: 'npm install @getvero/tracking',
      code: `import { Tracker } from '@getvero/tracking'

const tracker = new Tracker({
  trackingApiKey: '${key}',
  trackingApiBaseUrl: '${origin}',
})

await tracker.event.track({
  identity: { userId: '1', email: 'ada@example.com' },
  eventName: 'Signed up',
  data: { plan: 'starter' },
})`,
    },
    {
      value: 'browser',
      label: 'Browser',
      hint: 'Before the end of your page’s body.',
      code: `<script>
  var _veroq = _veroq || []
  _veroq.push(['init', { api_key: '${key}' }])
  _veroq.push(['user', { id: '1', email: 'ada@example.com' }])
  _veroq.push(['track', 'Signed up', { plan: 'starter' }])
</script>
<script async src="${origin}/fairway.js"></script>`,
    },
    {
      value: 'segment',
      label: 'Segment',
      hint: 'npm install @segment/analytics-node — an existing set-up only needs the host.',
      code: `import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: '${key}', host: '${origin}' })

analytics.identify({ userId: '1', traits: { email: 'ada@example.com' } })
analytics.track({ userId: '1', event: 'Signed up', properties: { plan: 'starter' } })
await analytics.closeAndFlush()`,
    },
  ]
}

export const keyPlaceholder = 'YOUR_TRACKING_KEY'

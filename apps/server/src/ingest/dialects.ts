import type { ApiError } from '../platform/errors.ts'

type Render = (error: ApiError) => object

/** Errors as the clients of each vendor read them. */

/** `{status, message}`, with `field` where one is to blame. */
export const asTrackApi: Render = ({ status, message, field }) => ({ status, message, field })

/**
 * Segment's and RudderStack's: Python's looks for `code` and `message` and, where one is missing, takes a refusal for a
 * network fault and sends it again; Ruby's looks for `error`.
 */
export const asSegment: Render = ({ code, message, field, extra }) => ({
  success: false,
  code,
  message,
  error: message,
  field,
  ...extra,
})

/** Both of Customer.io's shapes: `{meta: {error}}` of v1 and `{errors: [{reason, field, message}]}` of v2. */
export const asCustomerIo: Render = ({ code, field, message }) => ({
  meta: { error: message },
  errors: [{ reason: code, field, message }],
})

/** Of paths below /v1 that nobody serves: Customer.io's App API lies there, too. */
export const asSegmentOrCustomerIo: Render = (error) => ({ ...asSegment(error), ...asCustomerIo(error) })

/** By the beginning of a path. What is in no list is REST or a page, and answers problem documents. */
const byPrefix: [prefix: string, render: Render][] = [
  ['/api/v2/entity', asCustomerIo],
  ['/api/v2/batch', asCustomerIo],
  ['/api/v2/', asTrackApi],
  ['/v1/', asSegmentOrCustomerIo],
  ['/beacon/', asSegment],
  ['/sourceConfig', asSegment],
  ...[
    'customers',
    'events',
    'merge_customers',
    'segments',
    'metrics',
    'push',
    'send',
    'campaigns',
    'forms',
  ].map((name): [string, Render] => [`/api/v1/${name}`, asCustomerIo]),
]

/** How errors look at a path that can't be routed, so that no scope of an API could say it. */
export const dialectOf = (path: string): Render | undefined =>
  byPrefix.find(([prefix]) => path.startsWith(prefix))?.[1]

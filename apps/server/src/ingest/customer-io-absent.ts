import { ApiError } from '../platform/errors.ts'

/** What Customer.io has and Fairway does not, with what to do instead. */
const absent: [path: RegExp, why: string][] = [
  [
    /^segments\/[^/]+\/(add|remove)_customers$/,
    'Manual segments can not be filled through this API; set a property and use a segment on it',
  ],
  [/^metrics$/, 'Deliveries made elsewhere are not recorded here; Fairway records its own by itself'],
  [
    /^push\/events$/,
    'Push deliveries made elsewhere are not recorded here; send the opening as an event of the person',
  ],
  [/^forms\//, 'There are no forms here; identify the person and send an event instead'],
  [/^send\//, 'Fairway sends email so far: POST /v1/send/email'],
  [
    /^campaigns\/[^/]+\/triggers/,
    'There are no broadcasts triggered by API here; send an event that a campaign answers, or POST /v1/send/email',
  ],
]

/** The patterns of routes below the root of its Track API. The App API's root is `/v1`, which has a route for all that is left. */
export const absentPaths = ['segments', 'metrics', 'push', 'forms', 'send', 'campaigns'].flatMap((name) => [
  `/api/v1/${name}`,
  `/api/v1/${name}/*`,
])

/**
 * Says in words what a client asks for in vain. Some give the one API's address to the other, so both roots have all of it.
 *
 * @param path behind the root
 */
export function explainAbsent(path: string): ApiError | undefined {
  const why = absent.find(([pattern]) => pattern.test(path))?.[1]
  return why === undefined ? undefined : new ApiError(404, 'not_supported', why)
}

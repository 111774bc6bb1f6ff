import { campaignOrigin } from './automation/campaigns/origin.ts'
import type { Origins } from './messaging/messages/origins.ts'

/** Everything that makes messages, in one list that folders join. */
export const origins: Origins = {
  campaign: campaignOrigin,
  /** `POST /v1/send/email`. */
  api: {},
  /** The first mail of somebody who tries Fairway. */
  test: {},
}

import type { Origin } from '../../messaging/messages/origins.ts'
import { consentOf } from './campaigns.ts'
import { gateCampaignMessages } from './gate.ts'

/** Campaigns, as messages ask about them. */
export const campaignOrigin: Origin = {
  gate: gateCampaignMessages,
  async names({ pool }, projectId, ids) {
    const { rows } = await pool.query<{ id: number; name: string }>(
      'select id, name from campaigns where project_id = $1 and id = any($2::integer[])',
      [projectId, ids],
    )
    return new Map(rows.map(({ id, name }) => [id, name]))
  },
  async consents({ pool }, projectId, ids) {
    const { rows } = await pool.query<{ id: number; consent: unknown }>(
      'select id, consent from campaigns where project_id = $1 and id = any($2::integer[])',
      [projectId, ids],
    )
    return new Map(rows.map(({ id, consent }) => [id, consentOf(consent)]))
  },
}

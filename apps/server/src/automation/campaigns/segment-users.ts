import { foldName } from '../../audience/items/item.ts'
import type { SegmentUsers } from '../../audience/segments/used-by.ts'

/** The campaigns that name segments, or that their people trigger. */
export const campaignsOfSegments: SegmentUsers = {
  async list(client, projectId) {
    const { rows } = await client.query(
      `select 'campaign' as kind, id, name, conditions, folded_trigger as trigger from campaigns
       where project_id = $1 order by name`,
      [projectId],
    )
    return rows
  },
  async renameTrigger(client, projectId, { from, to }, at) {
    await client.query(
      `update campaigns set trigger_event = $3, folded_trigger = $4,
         updated_at = greatest($5, updated_at + interval '1 millisecond')
       where project_id = $1 and folded_trigger = $2`,
      [projectId, foldName(from), to, foldName(to), at],
    )
  },
}

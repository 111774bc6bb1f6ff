import type { SegmentUsers } from './audience/segments/used-by.ts'
import { campaignsOfSegments } from './automation/campaigns/segment-users.ts'

/** Everything beside segments that names segments, in one list that folders join. */
export const segmentUsers: SegmentUsers[] = [campaignsOfSegments]

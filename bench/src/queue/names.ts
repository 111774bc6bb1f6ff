import type { Kind } from './system.ts'

/** How the systems are called in the tables. */
export const nameOf: Record<Kind, string> = {
  fairway: '@fairway/queue',
  'bullmq-everysec': 'BullMQ, AOF everysec',
  'bullmq-always': 'BullMQ, AOF always',
  'pg-boss': 'pg-boss',
  'pg-boss-groups': 'pg-boss, groupConcurrency at half the slots',
  'graphile-worker': 'graphile-worker',
}

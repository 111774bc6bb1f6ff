export { createQueue, type QueueOptions } from './create-queue.ts'
export * from './errors.ts'
export { FairScheduler } from './fair-scheduler.ts'
export { reasonOf } from './job-ends.ts'
export type { Retention } from './maintenance.ts'
export { DrainTrend } from './observe/drain-trend.ts'
export type { LaneOverview, QueueOverview, TenantShare } from './observe/queue-overview.ts'
export type { Handlers, JobAddress, JobGroup, Queue, Transaction, Worker } from './queue.ts'
export { returnJobs } from './returned-jobs.ts'
export * from './store.ts'
export type { DynamodbStore, DynamodbStoreOptions } from './stores/dynamodb/dynamodb-store.ts'
export { type MemoryStoreOptions, memoryStore } from './stores/memory/memory-store.ts'
export {
  type MovableStore,
  type MovableStoreOptions,
  type MoveProgress,
  movableStore,
} from './stores/movable/movable-store.ts'
export { readPlace } from './stores/movable/read-place.ts'
export { type PostgresStoreOptions, postgresStore } from './stores/postgres/postgres-store.ts'
export type * from './types.ts'
export type { WorkerEventMap } from './worker-events.ts'

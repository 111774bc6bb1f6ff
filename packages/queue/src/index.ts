export * from './api/errors.ts'
export type { Handlers, JobAddress, JobGroup, Queue, Transaction, Worker } from './api/queue.ts'
export type { LaneOverview, QueueOverview, TenantShare } from './api/queue-overview.ts'
export type * from './api/types.ts'
export type { WorkerEventMap } from './api/worker-events.ts'
export { createQueue, type QueueOptions } from './create-queue.ts'
export type { Retention } from './maintenance/maintenance.ts'
export { DrainTrend } from './observe/drain-trend.ts'
export type { Blob, NewPage, Page, ScheduledPage } from './pages/page.ts'
export type { DynamodbStore, DynamodbStoreOptions } from './stores/dynamodb/dynamodb-store.ts'
export { type MemoryStoreOptions, memoryStore } from './stores/memory/memory-store.ts'
export {
  type MovableStore,
  type MovableStoreOptions,
  type MoveProgress,
  movableStore,
} from './stores/movable/movable-store.ts'
export { readMoveState } from './stores/movable/read-move-state.ts'
export { type PostgresStoreOptions, postgresStore } from './stores/postgres/postgres-store.ts'
export { returnJobs } from './stores/returned-jobs.ts'
export * from './stores/store.ts'
export { reasonOf } from './worker/job-ends.ts'
export { FairScheduler } from './worker/lanes/fair-scheduler.ts'

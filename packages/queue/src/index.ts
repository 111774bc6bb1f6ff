export * from './errors.ts'
export type * from './queue.ts'
export type * from './types.ts'

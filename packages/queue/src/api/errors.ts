/** Every error the queue raises, in one place, each with a stable code. */
export class QueueError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The intake buffer is full: nothing was stored. Try again after `retryAfterMs`. */
export class QueueOverloaded extends QueueError {
  readonly retryAfterMs: number
  constructor(message: string, retryAfterMs: number) {
    super('QUEUE_OVERLOADED', message)
    this.retryAfterMs = retryAfterMs
  }
}

/** The tenant has as much waiting in the lane as its quota allows: nothing was stored. Try again after `retryAfterMs`. */
export class TenantQuotaExceeded extends QueueError {
  readonly lane: string
  readonly tenant: string
  readonly retryAfterMs: number
  constructor(lane: string, tenant: string, message: string, retryAfterMs: number) {
    super('QUEUE_TENANT_QUOTA', message)
    this.lane = lane
    this.tenant = tenant
    this.retryAfterMs = retryAfterMs
  }
}

/** The store could not be reached or refused the write: the jobs may or may not be stored (a lost reply). */
export class QueueUnavailable extends QueueError {
  readonly retryAfterMs: number
  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super('QUEUE_UNAVAILABLE', message, options)
    this.retryAfterMs = retryAfterMs
  }
}

/** The queue is closing and takes no new work. */
export class QueueClosed extends QueueError {
  constructor() {
    super('QUEUE_CLOSED', 'The queue is closed and takes no new jobs')
  }
}

/** A job that breaks a documented limit, or that the store will never take: then `cause` says why. */
export class InvalidJob extends QueueError {
  readonly field: string
  constructor(field: string, message: string, options?: ErrorOptions) {
    super('QUEUE_INVALID_JOB', message, options)
    this.field = field
  }
}

/** An option of a queue, a store or a worker, or an argument of a call, that makes no sense. Nothing was changed. */
export class InvalidOption extends QueueError {
  readonly option: string
  constructor(option: string, message: string) {
    super('QUEUE_INVALID_OPTION', message)
    this.option = option
  }
}

/** Controls of a tenant that break a documented limit. */
export class InvalidControls extends QueueError {
  readonly field: string
  constructor(field: string, message: string) {
    super('QUEUE_INVALID_CONTROLS', message)
    this.field = field
  }
}

/** The store's tables must be made or upgraded, and this role may not. The message says what to do. */
export class QueueNotMigrated extends QueueError {
  constructor(message: string, options?: ErrorOptions) {
    super('QUEUE_NOT_MIGRATED', message, options)
  }
}

/** A move to another store that would mix up two queues, or makes no sense. */
export class MoveRefused extends QueueError {
  constructor(message: string) {
    super('QUEUE_MOVE_REFUSED', message)
  }
}

/**
 * Thrown by a handler: run this job again after `delayMs`, without counting an attempt. What is no number of milliseconds up
 * to ten years makes it a failure like any other.
 */
export class Snooze extends Error {
  readonly delayMs: number
  constructor(delayMs: number) {
    super(`snooze ${delayMs} ms`)
    this.delayMs = delayMs
  }
}

/** Thrown by a handler: this job can never succeed; bury it at once. */
export class Discard extends Error {}

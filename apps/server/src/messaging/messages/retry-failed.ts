import type { Json } from '@fairway/queue'
import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { addressKey } from '../../platform/email-address.ts'
import { invalidField } from '../../platform/errors.ts'
import type { Step, TaskKind, TaskSession } from '../../platform/tasks/kind.ts'
import { startTask, type Task, type TaskRow, toTask } from '../../platform/tasks/task.ts'
import { countFailed, type FailedFilter, type FailedRow, lookAtFailed } from './failed.ts'
import { loadSuppressed } from './load.ts'
import { sendAgainIn } from './send-again.ts'

interface RetryInput {
  filter: FailedFilter
  /** Epoch ms of the request: what fails later, perhaps again, is not meant. */
  at: number
  requestedBy: string
}

const perStep = 500

/**
 * Tries failed messages again, all that are meant: a task. Who was suppressed or opted out since gets none.
 *
 * @throws {ApiError} 422
 */
export async function retryFailed(
  app: App,
  projectId: number,
  filter: FailedFilter,
  requestedBy: string,
): Promise<Task> {
  const checked = { ...filter, ...readTimes(filter) }
  const { count, more } = await countFailed(app, projectId, checked)
  const input: RetryInput = { filter: checked, at: app.now().getTime(), requestedBy }
  const row = await withTransaction(app.pool, (client) =>
    startTask(app, client, projectId, {
      kind: 'retry_messages',
      title: 'Try failed messages again',
      input: input as unknown as Record<string, Json>,
      total: more ? null : count,
    }),
  )
  return toTask(row)
}

/** @throws {ApiError} 422 */
export function readTimes(filter: FailedFilter): Pick<FailedFilter, 'from' | 'to'> {
  const times: Pick<FailedFilter, 'from' | 'to'> = {}
  for (const field of ['from', 'to'] as const) {
    const text = filter[field]
    if (text === undefined) continue
    const date = new Date(text)
    const year = date.getUTCFullYear()
    if (!(year >= 1970 && year <= 9999)) throw invalidField(field, `${field} must be a time in ISO 8601`)
    times[field] = date.toISOString()
  }
  return times
}

/** Task kind `retry_messages`: walks the failed messages, those made first first. */
export const retryTask: TaskKind<FailedRow[]> = {
  async open(app, task) {
    return new RetrySession(app, task)
  },
}

class RetrySession implements TaskSession<FailedRow[]> {
  readonly #app: App
  readonly #task: TaskRow
  readonly #input: RetryInput
  #after: [string, string] | null

  constructor(app: App, task: TaskRow) {
    this.#app = app
    this.#task = task
    this.#input = task.input as unknown as RetryInput
    this.#after = task.cursor as [string, string] | null
  }

  get #settledBefore(): Date {
    return new Date(this.#input.at)
  }

  async next(): Promise<FailedRow[] | undefined> {
    const rows = await lookAtFailed(this.#app.pool, this.#task.project_id, this.#input.filter, {
      after: this.#after,
      settledBefore: this.#settledBefore,
      most: perStep,
    })
    return rows.length === 0 ? undefined : rows
  }

  async write(client: PoolClient, rows: FailedRow[]): Promise<Step> {
    const last = rows.at(-1)!
    const meant = rows.filter(({ matches }) => matches)
    const ids = await this.#notSuppressed(meant)
    const retried = await sendAgainIn(this.#app, client, this.#task.project_id, ids, {
      from: 'failed',
      reason: `tried again with others, asked for by ${this.#input.requestedBy}`,
      settledBefore: this.#settledBefore,
    })
    this.#after = [last.createdAt, last.id]
    const suppressed = meant.length - ids.length
    return { cursor: this.#after, done: meant.length, failed: suppressed, detail: { retried, suppressed } }
  }

  /** Nobody is left to send to where all of a message's recipients are suppressed; of some, that is decided at sending. */
  async #notSuppressed(rows: FailedRow[]): Promise<string[]> {
    const addressesOf = ({ recipient }: FailedRow) => recipient?.split(', ') ?? []
    const suppressed = await loadSuppressed(this.#app, this.#task.project_id, rows.flatMap(addressesOf))
    return rows
      .filter((row) => {
        const addresses = addressesOf(row)
        const everybody =
          addresses.length > 0 && addresses.every((address) => suppressed.has(addressKey(address)))
        return !row.personSuppressed && !everybody
      })
      .map(({ id }) => id)
  }
}

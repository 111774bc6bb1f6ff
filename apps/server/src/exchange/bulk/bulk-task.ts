import type { PoolClient } from 'pg'
import { ensurePartitions } from '../../audience/events/partitions.ts'
import type { IngestItem } from '../../audience/items/item.ts'
import { type AcceptedItem, changePeople } from '../../audience/people/change.ts'
import { refOf } from '../../audience/people/identity.ts'
import { type Person, personColumns } from '../../audience/people/person.ts'
import { type PeopleSession, withPeopleIn } from '../../audience/people/session.ts'
import { changeManualSegment, requireManualSegment } from '../../audience/segments/members.ts'
import { storeSegmentEvents } from '../../ingest/process-events.ts'
import type { App } from '../../platform/app.ts'
import { ApiError } from '../../platform/errors.ts'
import { type Step, TaskFailed, type TaskKind, type TaskSession } from '../../platform/tasks/kind.ts'
import type { TaskRow } from '../../platform/tasks/task.ts'
import { type BulkInput, itemOf } from './bulk-action.ts'
import { ChosenPeople, type ExaminedPeople } from './chosen.ts'

/** People looked at by a step: what is done to all of them takes a tenth of a second. */
const peoplePerStep = 500
/** Of those for whom conditions may not hold. */
const examinedPerStep = 2_000
/** Everybody else waits while people are erased. */
const erasedPerStep = 100

/** Task kind `bulk_action`: walks the people who are meant, in the order of their ids, and does the same to each. */
export const bulkAction: TaskKind<ExaminedPeople> = {
  async open(app, task) {
    const input = task.input as unknown as BulkInput
    const people =
      input.ids === null ? await orFailed(ChosenPeople.of(app, task.project_id, input.chosen)) : undefined
    return new BulkSession(app, task, input, people)
  },
}

/** What was deleted since the task began does not come back. */
async function orFailed<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof ApiError ? new TaskFailed(error.message) : error
  }
}

class BulkSession implements TaskSession<ExaminedPeople> {
  readonly #app: App
  readonly #task: TaskRow
  readonly #input: BulkInput
  readonly #people: ChosenPeople | undefined
  #after: number | null
  #total: number | null
  /** Of the step that is being committed. */
  #committed: () => Promise<void> = async () => {}

  constructor(app: App, task: TaskRow, input: BulkInput, people: ChosenPeople | undefined) {
    this.#app = app
    this.#task = task
    this.#input = input
    this.#people = people
    this.#after = task.cursor as number | null
    this.#total = task.total
  }

  async next(): Promise<ExaminedPeople | undefined> {
    await this.#tell()
    this.#total ??= await this.#count()
    await ensurePartitions(this.#app.pool, [this.#app.now().getTime()])
    const looked = await this.#look()
    return looked.examined === 0 ? undefined : looked
  }

  async write(client: PoolClient, { ids, examined, last }: ExaminedPeople): Promise<Step> {
    this.#after = last
    const step = { cursor: last, done: examined, total: this.#total! }
    if (ids.length === 0) return step
    const { result, committed } = await withPeopleIn(
      this.#app,
      client,
      this.#task.project_id,
      { exclusive: this.#input.action.kind === 'erase', by: this.#input.requestedBy },
      (session) => this.#act(session, ids),
    )
    this.#committed = committed
    return { ...step, ...result }
  }

  close(): Promise<void> {
    return this.#tell()
  }

  /** A step whose commit failed tells what it would have done; that is harmless, and the step runs again. */
  async #tell(): Promise<void> {
    const committed = this.#committed
    this.#committed = async () => {}
    await committed()
  }

  #look(): Promise<ExaminedPeople> | ExaminedPeople {
    const { ids, chosen, action, upTo } = this.#input
    const most = action.kind === 'erase' ? erasedPerStep : peoplePerStep
    if (ids === null)
      return this.#people!.look({
        after: this.#after,
        upTo,
        most: chosen.conditions && action.kind !== 'erase' ? examinedPerStep : most,
      })
    const from = ids.findIndex((id) => id > (this.#after ?? 0))
    const next = from === -1 ? [] : ids.slice(from, from + most)
    return { ids: next, examined: next.length, last: next.at(-1) ?? null }
  }

  async #count(): Promise<number> {
    const { rows } = await this.#app.pool.query<{ count: number }>(
      'select count(*) from people where project_id = $1 and id <= $2',
      [this.#task.project_id, this.#input.upTo],
    )
    return rows[0]!.count
  }

  async #act(session: PeopleSession, ids: number[]): Promise<Pick<Step, 'failed' | 'detail'>> {
    const { action, requestedBy, at } = this.#input
    const people = await loadInOrder(session, ids)
    const item = itemOf(action, requestedBy)
    if (item === undefined) {
      const { segment } = action as { segment: number }
      const manual = await orFailed(requireManualSegment(this.#app, this.#task.project_id, segment))
      const found = people.map(({ id }) => id)
      const [add, remove] = action.kind === 'add_to_segment' ? [found, []] : [[], found]
      await changeManualSegment(session, manual, { add, remove }, storeSegmentEvents)
      return { detail: { people: people.length } }
    }
    // An erasure is of everything up to now; every other write has the time of the request.
    const time = item.kind === 'delete' ? session.now.getTime() : at
    const works = people.map(
      (person): AcceptedItem => ({
        jobId: `${time.toString(36)}~bulk ${this.#task.id} ${person.id}`,
        item: {
          ...item,
          person: refOf(person),
          at: time,
          acceptedAt: time,
          source: 'bulk_action',
        } as IngestItem,
      }),
    )
    const { refusals } = await changePeople(session, works)
    return { failed: refusals.size, detail: { people: people.length - refusals.size } }
  }
}

/** Inside the session, so that nobody is merged or erased in between. */
async function loadInOrder({ client, projectId }: PeopleSession, ids: number[]): Promise<Person[]> {
  const { rows } = await client.query<Person>(
    `select ${personColumns} from people
     where project_id = $1 and id = any($2::bigint[]) and (external_id is not null or anonymous_id is not null) order by id`,
    [projectId, ids],
  )
  return rows
}

import type { FailedFilter } from '../messaging/messages/failed.ts'
import { retryFailed } from '../messaging/messages/retry-failed.ts'
import { tryNow } from '../messaging/messages/try-now.ts'
import { confirmSending, type PendingChoice } from '../messaging/sending/holds.ts'
import { holdSending } from '../messaging/sending/restore-watch.ts'
import type { App } from '../platform/app.ts'
import { table } from './table.ts'
import { withApp } from './with-app.ts'
import { WrongArguments } from './wrong-arguments.ts'

interface Options {
  project?: number
  json?: boolean
}

interface Held {
  projectId: number
  name: string
  heldAt: Date
  reason: string
}

export async function sendingStatusCommand({ project, json }: Options): Promise<void> {
  show(await withApp((app) => listHeld(app, project)), json)
}

/** Before a restore that Fairway can't notice, such as a copy of its whole data directory that is put back. */
export async function sendingHoldCommand({ project, json }: Options): Promise<void> {
  show(
    await withApp(async (app) => {
      await requireProject(app, project)
      await holdSending(app, 'Somebody held it on the command line.', { projectId: project })
      return listHeld(app, project)
    }),
    json,
  )
}

export async function sendingConfirmCommand({
  project,
  pending,
  json,
}: Options & { pending: PendingChoice }): Promise<void> {
  const confirmed = await withApp(async (app) => {
    await requireProject(app, project)
    const held = await listHeld(app, project)
    for (const { projectId } of held) await confirmSending(app, projectId, 'the command line', pending)
    return held.length
  })
  if (json) return console.log(JSON.stringify({ confirmed }))
  console.log(confirmed === 0 ? 'Sending was not held.' : `Sending goes on for ${confirmed} project(s).`)
}

/** After a server was repaired. In steps, so that it is bounded; all of it is done. */
export async function sendingTryNowCommand({ project, json }: { project: number } & Options): Promise<void> {
  const count = await withApp(async (app) => {
    await requireProject(app, project)
    let tried = 0
    for (let more = true; more; ) {
      const step = await tryNow(app, project)
      tried += step.count
      more = step.more
    }
    return tried
  })
  if (json) return console.log(JSON.stringify({ count }))
  console.log(
    count === 0
      ? 'No mail waits for another try, or it was asked for in the last two minutes.'
      : `${count} mails are tried now.`,
  )
}

/** The task's number: how far it is tells the console, and `GET …/tasks/:task`. */
export async function sendingRetryCommand({
  project,
  json,
  ...filter
}: FailedFilter & { project: number } & Options): Promise<void> {
  const task = await withApp(async (app) => {
    await requireProject(app, project)
    return retryFailed(app, project, filter, 'the command line')
  })
  if (json) return console.log(JSON.stringify(task))
  const many = task.total === null ? 'More than can be counted at once' : `${task.total} messages`
  console.log(`${many} are tried again, by task ${task.id}. Who was suppressed or opted out since gets none.`)
}

function show(held: Held[], json: boolean | undefined): void {
  if (json) console.log(JSON.stringify({ held }))
  else if (held.length === 0) console.log('Sending is not held.')
  else {
    console.log(
      table(
        ['project', 'name', 'since', 'why'],
        held.map((one) => [one.projectId, one.name, one.heldAt.toISOString(), one.reason]),
      ),
    )
    console.log('Confirm with `npx fairway sending confirm --pending send` (or `unknown`).')
  }
}

async function listHeld(app: App, projectId: number | undefined): Promise<Held[]> {
  const { rows } = await app.pool.query<Held>(
    `select p.id as "projectId", p.name, h.held_at as "heldAt", h.reason
     from sending_holds h join projects p on p.id = h.project_id
     where h.confirmed_at is null and p.deleted_at is null and ($1::integer is null or p.id = $1) order by p.id`,
    [projectId ?? null],
  )
  return rows
}

async function requireProject(app: App, projectId: number | undefined): Promise<void> {
  if (projectId === undefined) return
  const { rowCount } = await app.pool.query('select from projects where id = $1 and deleted_at is null', [
    projectId,
  ])
  if (rowCount === 0) throw new WrongArguments(`There is no project ${projectId}.`)
}

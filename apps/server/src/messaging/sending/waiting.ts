import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import type { Config } from '../../platform/config.ts'

/** What a mail needs that its project does not give now: to be live, or an SMTP server. */
export type WaitsFor = 'live' | 'server'

export const whyItWaits: Record<WaitsFor, string> = {
  live: 'the project is in test mode; it leaves when the project is live again',
  server: 'no SMTP server is in use; it leaves when there is one',
}

/** What keeps mail that was made live from leaving; null: nothing. In SQL: {@link hindranceSql}. */
export function hindrance({
  mode,
  hasServer,
}: {
  mode: 'test' | 'live'
  hasServer: boolean
}): WaitsFor | null {
  if (mode === 'test') return 'live'
  return hasServer ? null : 'server'
}

/** @param installation whether the installation has a server for all, as an SQL expression */
export const hindranceSql = (project: string, installation: string): string =>
  `case when ${project}.mode = 'test' then 'live'
     when ${installation} or exists (
       select from providers v where v.project_id = ${project}.id and v.channel = 'email' and v.active) then null
     else 'server' end`

/** A number of mails that is counted to {@link maxCounted}. */
export interface Counted {
  count: number
  /** There are more than were counted. */
  more: boolean
}

/** Mail that was made live and can't leave as the project is now, by what it waits for. */
export interface WaitingMail extends Record<WaitsFor, Counted> {
  /** What such mail waits for now, if there is any or not; null: it leaves. */
  hindrance: WaitsFor | null
}

const maxCounted = 10_000

export async function readWaiting(
  { pool }: Pick<Reading, 'pool'>,
  { smtpUrl }: Pick<Config, 'smtpUrl'>,
  projectId: number,
): Promise<WaitingMail> {
  const { rows } = await pool.query<{ hindrance: WaitsFor | null; live: number; server: number }>(
    `select ${hindranceSql('p', '$2::boolean')} as hindrance, ${countOf('live')} as live, ${countOf('server')} as server
     from projects p where p.id = $1`,
    [projectId, smtpUrl !== undefined],
  )
  const { hindrance = null, live = 0, server = 0 } = rows[0] ?? {}
  return { hindrance, live: toCounted(live), server: toCounted(server) }
}

const countOf = (kind: WaitsFor) =>
  `(select count(*) from (select from messages where project_id = $1 and state = 'pending' and waits_for = '${kind}'
    limit ${maxCounted + 1}) as first_of_them)`

const toCounted = (count: number): Counted => ({
  count: Math.min(count, maxCounted),
  more: count > maxCounted,
})

/** In a sentence, for whoever should hear of it; undefined while nothing hinders and nothing waits. */
export function describeWaiting({ hindrance, live, server }: WaitingMail): string | undefined {
  if (hindrance === 'server')
    return server.count === 0
      ? 'The project is live, but no SMTP server is in use: mail waits until there is one.'
      : `The project is live, but no SMTP server is in use: ${mails(server)} until there is one.`
  if (live.count > 0) return `${mails(live)} until the project is live again.`
  return undefined
}

const mails = ({ count, more }: Counted) =>
  `${new Intl.NumberFormat('en').format(count)}${more ? ' or more' : ''} ${count === 1 ? 'mail waits' : 'mails wait'}`

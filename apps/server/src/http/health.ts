import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { partitionTrouble } from '../audience/events/partition-rights.ts'
import type { App } from '../platform/app.ts'
import { ok } from '../platform/http/answers.ts'
import { toApiError } from '../platform/to-api-error.ts'
import type { Canary } from './canary.ts'

/** Probes give up after a few seconds themselves, and learn nothing then. */
const answerWithinMs = 5_000
/** A process that is replaced is back within this time, if nothing is wrong. */
const maxNotRunningMs = 30_000

const well = { status: Type.Literal('ok') }
const Health = Type.Object({
  ...well,
  queueMs: Type.Number(),
  processes: Type.Array(
    Type.Object({
      role: Type.String(),
      state: Type.Enum(['starting', 'running', 'stopping', 'waiting']),
      replaced: Type.Integer(),
    }),
  ),
})
const Readiness = Type.Object({ ...well, warnings: Type.Optional(Type.Array(Type.String())) })

/** For load balancers and monitors; none of them needs a key, none tells anything about projects. */
export function healthRoutes(app: App, canary: Canary) {
  return async (server: FastifyInstance) => {
    /** The process answers. Vero's clients call it too. */
    server.get(
      '/heartbeat',
      {
        config: { right: 'public' },
        schema: { summary: 'The process answers', tags: ['health'], response: ok(Type.Object(well)) },
      },
      async () => ({
        status: 'ok',
      }),
    )

    server.get(
      '/healthz',
      {
        config: { right: 'public' },
        schema: {
          summary: 'A job goes through the queue: enqueue, claim, acknowledge',
          tags: ['health'],
          response: ok(Health),
        },
      },
      (_request, reply) =>
        answer(reply, async () => {
          requireRunning(app)
          return {
            status: 'ok',
            queueMs: Math.round((await canary.sing()) * 10) / 10,
            // Of this server's supervisor; none where a process runs alone.
            processes: app.processes.states.map(({ role, state, replaced }) => ({ role, state, replaced })),
          }
        }),
    )

    server.get(
      '/readyz',
      {
        config: { right: 'public' },
        schema: { summary: 'Ready to take requests', tags: ['health'], response: ok(Readiness) },
      },
      (_request, reply) =>
        answer(reply, async () => {
          await requireWritable(app)
          await app.queue.ping()
          // Requests are taken all the same: whoever sends none here any more would lose what the queue still keeps.
          const trouble = await partitionTrouble(app.pool)
          return { status: 'ok', ...(trouble && { warnings: [trouble.reason] }) }
        }),
    )
  }
}

/** Jobs that nobody does are found here, although the queue itself is well. */
function requireRunning({ processes }: App): void {
  const down = processes.states.find(({ notRunningMs }) => notRunningMs > maxNotRunningMs)
  if (!down) return
  const { role, notRunningMs, lastReason } = down
  const why = lastReason === null ? '' : `: ${lastReason}`
  throw new Error(`The ${role} process has not been running for ${Math.round(notRunningMs / 1_000)} s${why}.`)
}

/** After a failover the old connections may lead to a standby: it answers, and takes nothing. */
async function requireWritable({ pool }: App): Promise<void> {
  const { rows } = await pool.query<{ standby: boolean; readOnly: string }>(
    `select pg_is_in_recovery() as standby, current_setting('transaction_read_only') as "readOnly"`,
  )
  const { standby, readOnly } = rows[0]!
  if (standby) throw new Error('The database is a standby, which takes no writes.')
  if (readOnly === 'on') throw new Error('The database is read-only.')
}

/** What was asked goes on, and ends by its own deadlines. */
function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`The database did not answer within ${ms / 1_000} seconds.`)),
      ms,
    )
    work.finally(() => clearTimeout(timer)).then(resolve, reject)
  })
}

async function answer(reply: FastifyReply, check: () => Promise<object>) {
  try {
    return await within(answerWithinMs, check())
  } catch (error) {
    const known = toApiError(error)
    const reason = known.status === 500 ? (error as Error).message : known.message
    return reply.code(503).header('retry-after', 1).send({ status: 'failing', reason })
  }
}

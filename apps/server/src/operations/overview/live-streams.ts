import type { FastifyReply, FastifyRequest } from 'fastify'
import { organizationOf } from '../../accounts/organization-of.ts'
import { mayStill } from '../../accounts/route-rights.ts'
import type { App } from '../../platform/app.ts'
import { type EventStream, openEventStream } from './event-stream.ts'
import { LiveEvents, type Watched } from './live-events.ts'

/** With what a look takes, a stream ends well within ten seconds of the end of its key or session. */
const checkMs = 5_000

/** Live views: each is as long as who opened it may look. */
export class LiveStreams {
  readonly #app: App
  readonly #events: LiveEvents
  readonly #open = new Map<EventStream, FastifyRequest>()
  readonly #checks: NodeJS.Timeout
  #checking = false

  constructor(app: App) {
    this.#app = app
    this.#events = new LiveEvents(app)
    this.#checks = setInterval(() => void this.#endThoseWithoutRight(), checkMs)
    this.#checks.unref()
  }

  /** @throws {ApiError} 429 when there are too many */
  async open(request: FastifyRequest, reply: FastifyReply, watched: Watched): Promise<FastifyReply> {
    const organization = await organizationOf(this.#app.pool, watched.projectId)
    let stream: EventStream | undefined
    // Subscribed first: a refusal is still an ordinary reply. The first events come in a later turn.
    const waiting: string[] = []
    const unsubscribe = this.#events.subscribe(watched, organization, (events) => {
      if (!stream) waiting.push(...events)
      else for (const event of events) stream.send('event', event)
    })
    const opened = openEventStream(request, reply, () => {
      unsubscribe()
      this.#open.delete(opened)
    })
    stream = opened
    this.#open.set(opened, request)
    for (const event of waiting) opened.send('event', event)
    return reply
  }

  close(): void {
    clearInterval(this.#checks)
    for (const stream of this.#open.keys()) stream.close()
  }

  async #endThoseWithoutRight(): Promise<void> {
    if (this.#checking) return
    this.#checking = true
    for (const [stream, request] of this.#open) if (!(await mayStill(this.#app, request))) stream.close()
    this.#checking = false
  }
}

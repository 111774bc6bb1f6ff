import type { Addressed } from '../channels/channel.ts'
import { composeChunk, type ReadyMail } from './compose-chunk.ts'
import type { Delivery } from './delivery.ts'
import { settlePending } from './outcomes.ts'

/** Made together, so that what crosses to a render process does so rarely: 10 at once cost a quarter of the mails a second. */
const groupSize = 50
/** Those with attachments are read into memory. */
const withAttachmentsSize = 5
/** A decision that is older is made again before the mail leaves. */
const freshMs = 1_000

/** Makes the mails of a batch, a group at a time, while those that were made before are sent. */
export class ComposeAhead {
  readonly #delivery: Delivery
  /** How many the provider would take now: what it would not take is not made. */
  readonly #room: () => number
  #rest: Addressed[]
  #ready: ReadyMail[] = []
  #making: Promise<void> | undefined
  #failure: { error: unknown } | undefined

  constructor(delivery: Delivery, addressed: Addressed[], room: () => number) {
    this.#delivery = delivery
    this.#rest = addressed
    this.#room = room
  }

  /** `count` mails or fewer, as they become ready; none when no more can be sent now. Rejects when making them failed. */
  async take(count: number): Promise<ReadyMail[]> {
    while (this.#ready.length === 0 && this.#makeMore()) await this.#making
    if (this.#failure) throw this.#failure.error
    return this.#takeReady(count)
  }

  /** The same without waiting: none when none is ready that may leave without {@link whoMayLeave}. */
  takeFresh(count: number): ReadyMail[] {
    return this.#ready.slice(0, count).every(this.#isFresh) ? this.#takeReady(count) : []
  }

  /**
   * Those of a chunk that may still leave. Where its decision is no longer fresh, it is made again, together with that about all
   * that are ready: once a second, however small the chunks of a slow server are.
   */
  async whoMayLeave(chunk: ReadyMail[]): Promise<ReadyMail[]> {
    if (chunk.every(this.#isFresh)) return chunk
    const asked = [...chunk, ...this.#ready]
    const at = this.#delivery.app.now().getTime()
    const allowed = await this.#delivery.decideAgain(asked.map(({ addressed }) => addressed))
    const mayLeave = ({ message }: ReadyMail) => allowed.has(message.id)
    for (const mail of asked.filter(mayLeave)) mail.decidedAt = at
    const refused = new Set(asked.filter((mail) => !mayLeave(mail)))
    this.#ready = this.#ready.filter((mail) => !refused.has(mail))
    return chunk.filter(mayLeave)
  }

  readonly #isFresh = ({ decidedAt }: ReadyMail): boolean =>
    this.#delivery.app.now().getTime() - decidedAt < freshMs

  #takeReady(count: number): ReadyMail[] {
    const taken = this.#ready.splice(0, count)
    if (this.#ready.length < groupSize / 2) this.#makeMore()
    return taken
  }

  /** What is ready is made again when it can be sent: a server that does not answer keeps no mails in memory. */
  letGo(): void {
    this.#rest.unshift(...this.#ready.splice(0).map(({ addressed }) => addressed))
    void this.#making?.then(() => this.letGo())
  }

  /** Mails that were taken and are not sent now. */
  putBack(mails: ReadyMail[]): void {
    this.#ready.unshift(...mails)
  }

  /** Ends the making. What is left was not taken by anybody. */
  async end(): Promise<{ left: Pick<Addressed, 'message'>[] }> {
    const rest = this.#rest
    this.#rest = []
    await this.#making
    return { left: [...this.#ready.splice(0), ...this.#rest.splice(0), ...rest] }
  }

  /** False when there is nothing to make. */
  #makeMore(): boolean {
    if (this.#making) return true
    const room = Math.min(this.#room(), groupSize)
    if (room === 0 || this.#rest.length === 0 || this.#failure) return false
    const group = this.#takeGroup(room)
    this.#making = this.#make(group)
      .catch((error) => {
        this.#failure = { error }
      })
      .finally(() => {
        this.#making = undefined
      })
    return true
  }

  #takeGroup(most: number): Addressed[] {
    let withAttachments = 0
    const end = this.#rest.findIndex(({ message }, index) => {
      if (message.input.attachments) withAttachments++
      return index === most || withAttachments > withAttachmentsSize
    })
    return this.#rest.splice(0, end === -1 ? this.#rest.length : end)
  }

  async #make(group: Addressed[]): Promise<void> {
    const { app, projectId, signal } = this.#delivery
    signal.throwIfAborted()
    const { ready, failed } = await composeChunk(this.#delivery, group)
    await settlePending(app.pool, projectId, failed, app.now())
    this.#ready.push(...ready)
  }
}

import type { Addressed } from './addressing.ts'
import { composeChunk, type ReadyMail } from './compose-chunk.ts'
import type { Delivery } from './deliver.ts'
import { settlePending } from './outcomes.ts'

/** Made together, so that what crosses to a render process does so rarely: 10 at once cost a quarter of the mails a second. */
const groupSize = 50
/** Those with attachments are read into memory. */
const withAttachmentsSize = 5

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
    return this.takeReady(count)
  }

  /** The same without waiting: none when none is ready. */
  takeReady(count: number): ReadyMail[] {
    const taken = this.#ready.splice(0, count)
    if (this.#ready.length < groupSize / 2) this.#makeMore()
    return taken
  }

  /** Ends the making. What is left was not taken by anybody. */
  async end(): Promise<{ left: Pick<Addressed, 'message'>[] }> {
    const rest = this.#rest
    this.#rest = []
    await this.#making
    return { left: [...this.#ready.splice(0), ...rest] }
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

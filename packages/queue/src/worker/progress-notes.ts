import { InvalidOption } from '../api/errors.ts'
import type { Job, Json } from '../api/types.ts'
import type { Store } from '../stores/store.ts'

const maxBytes = 65_536

/** What handlers say of how far they are, stored at most once a second for all jobs together. */
export class ProgressNotes {
  readonly #store: Store
  readonly #onRefused: (error: unknown) => void
  /** As JSON of the moment: what the handler does with the value later is not told. */
  readonly #fresh = new Map<string, { lane: string; tenant: string; id: string; json: string }>()
  /** Jobs that may have something stored. */
  readonly #stored = new Set<string>()
  #saving = false

  constructor(store: Store, onRefused: (error: unknown) => void) {
    this.#store = store
    this.#onRefused = onRefused
  }

  /** What can't be stored is refused alone, and is no reason for its job to fail. */
  note({ id, lane, tenant }: Job, progress: Json): void {
    try {
      this.#fresh.set(id, { id, lane, tenant, json: encode(id, progress) })
    } catch (error) {
      this.#onRefused(error)
    }
  }

  /** True when something of the job is stored and should go with it. */
  forget(id: string): boolean {
    this.#fresh.delete(id)
    return this.#stored.delete(id)
  }

  async flush(): Promise<void> {
    if (this.#fresh.size === 0 || this.#saving) return
    const rows = [...this.#fresh.values()].map(({ json, ...job }) => ({
      ...job,
      progress: JSON.parse(json) as Json,
    }))
    this.#fresh.clear()
    for (const { id } of rows) this.#stored.add(id)
    // Lost progress is only a picture that is a second older.
    this.#saving = true
    await this.#store.saveProgress(rows).catch(() => {})
    this.#saving = false
  }
}

function encode(id: string, progress: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(progress)
  } catch (error) {
    throw new InvalidOption('progress', `The progress of job ${id} is not JSON: ${(error as Error).message}`)
  }
  if (json === undefined)
    throw new InvalidOption('progress', `The progress of job ${id} is not JSON: it is ${typeof progress}`)
  if (Buffer.byteLength(json) > maxBytes)
    throw new InvalidOption('progress', `The progress of job ${id} is larger than ${maxBytes} bytes`)
  return json
}

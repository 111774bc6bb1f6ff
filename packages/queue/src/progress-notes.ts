import type { Store } from './store.ts'
import type { Job, Json } from './types.ts'

/** What handlers say of how far they are, stored at most once a second for all jobs together. */
export class ProgressNotes {
  readonly #store: Store
  readonly #fresh = new Map<string, { lane: string; tenant: string; id: string; progress: Json }>()
  /** Jobs that may have something stored. */
  readonly #stored = new Set<string>()

  constructor(store: Store) {
    this.#store = store
  }

  note({ id, lane, tenant }: Job, progress: Json): void {
    this.#fresh.set(id, { id, lane, tenant, progress })
  }

  /** True when something of the job is stored and should go with it. */
  forget(id: string): boolean {
    this.#fresh.delete(id)
    return this.#stored.delete(id)
  }

  async flush(): Promise<void> {
    if (this.#fresh.size === 0) return
    const rows = [...this.#fresh.values()]
    this.#fresh.clear()
    for (const { id } of rows) this.#stored.add(id)
    // Lost progress is only a picture that is a second older.
    await this.#store.saveProgress(rows).catch(() => {})
  }
}

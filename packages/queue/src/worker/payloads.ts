import type { Json } from '../api/types.ts'
import type { ByteAccount } from '../common/byte-ledger.ts'
import { blobBytesOf, blobIdOf } from '../pages/job-record.ts'
import type { Store } from '../stores/store.ts'
import type { Call } from './handler-call.ts'

/** Data that are kept beside the pages: they are loaded when a call's turn has come, and their bytes are acquired before. */
export class Payloads {
  readonly #store: Store
  readonly #account: ByteAccount

  constructor(store: Store, account: ByteAccount) {
    this.#store = store
    this.#account = account
  }

  isNeeded({ jobs }: Call): boolean {
    return jobs.some(({ record }) => blobIdOf(record))
  }

  /** By blob. Undefined: the call was ended meanwhile. */
  async load(call: Call): Promise<Map<string, Json> | undefined> {
    const records = call.jobs.map(({ record }) => record)
    const bytes = records.reduce((sum, record) => sum + blobBytesOf(record), 0)
    await this.#account.acquire(bytes)
    call.payloadBytes = bytes
    if (call.over) {
      this.release(call)
      return undefined
    }
    const blobs = await this.#store.readBlobs(records.flatMap((record) => blobIdOf(record) || []))
    if (call.over) return undefined
    return new Map(blobs.map(({ id, data }) => [id, JSON.parse(data) as Json]))
  }

  release(call: Call): void {
    this.#account.release(call.payloadBytes)
    call.payloadBytes = 0
  }
}

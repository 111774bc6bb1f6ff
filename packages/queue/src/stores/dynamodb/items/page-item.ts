import { blobsOf } from '../../../pages/job-record.ts'
import type { NewPage } from '../../../pages/page.ts'
import { pack, unpack } from '../packing.ts'

/** What is known of a page without its body. */
export interface Entry {
  lane: string
  tenant: string
  stream: string
  jobs: number
  /** Of the body, in UTF-8. */
  bytes: number
  /** 0: it was claimable at once. */
  dueAt: number
  /** 0: when it became claimable. */
  firstAt: number
  alone: boolean
  /** Some of its jobs have their payload in a blob. */
  blobs: boolean
  /** Blobs that were stored with it; those of jobs that came back are named in the body alone. */
  blobIds: string[]
}

/** An item larger than this is closed: a reader of one small page reads all of the item. */
export const itemBytes = 128 * 1024
/** An item of DynamoDB holds 400 KB. */
const maxBytes = 390_000

type Line = [
  ...names: [lane: string, tenant: string, stream: string],
  ...numbers: [jobs: number, bytes: number, dueAt: number, firstAt: number, flags: number],
  ...blobIds: string[],
]

const aloneFlag = 1
const blobsFlag = 2

/**
 * Pages of many tenants as one item of the table, never changed after it was written. Inside, four bytes with the length of
 * the directory, the directory, all bodies one after the other; compressed together, because small jobs are alike.
 */
export class PageItem {
  readonly entries: Entry[]
  readonly #bytes: Buffer
  readonly #starts: number[] = []

  private constructor(bytes: Buffer) {
    this.#bytes = bytes
    const directoryEnd = 4 + bytes.readUInt32LE(0)
    const lines = JSON.parse(bytes.toString('utf8', 4, directoryEnd)) as Line[]
    let start = directoryEnd
    this.entries = lines.map(([lane, tenant, stream, jobs, size, dueAt, firstAt, flags, ...blobIds]) => {
      this.#starts.push(start)
      start += size
      const [alone, blobs] = [(flags & aloneFlag) > 0, (flags & blobsFlag) > 0]
      return { lane, tenant, stream, jobs, bytes: size, dueAt, firstAt, alone, blobs, blobIds }
    })
    this.#starts.push(start)
  }

  static of(pages: NewPage[]): PageItem {
    const bodies = pages.map((page) => Buffer.from(page.body))
    const lines = pages.map((page, index): Line => {
      const flags = (page.alone ? aloneFlag : 0) | (hasBlobs(page) ? blobsFlag : 0)
      const { lane, tenant, stream, jobs, dueAt = 0, firstAt = 0, blobs = [] } = page
      const ids = blobs.map((blob) => blob.id)
      return [lane, tenant, stream, jobs, bodies[index]!.length, dueAt, firstAt, flags, ...ids]
    })
    const directory = Buffer.from(JSON.stringify(lines))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(directory.length)
    return new PageItem(Buffer.concat([length, directory, ...bodies]))
  }

  static decode(stored: unknown): PageItem {
    return new PageItem(unpack(stored as Uint8Array))
  }

  async encode(): Promise<Uint8Array> {
    const packed = await pack(this.#bytes)
    if (packed.byteLength > maxBytes)
      throw new RangeError(`A page takes ${packed.byteLength} bytes; an item of DynamoDB holds ${maxBytes}`)
    return packed
  }

  body(entry: number): string {
    return this.#bytes.toString('utf8', this.#starts[entry], this.#starts[entry + 1])
  }

  /** Blobs that end with the page. */
  blobsOf(entry: number): string[] {
    const { blobs, blobIds } = this.entries[entry]!
    return blobs ? [...new Set([...blobIds, ...blobsOf(this.body(entry))])] : []
  }

  /** In memory. */
  get size(): number {
    return this.#bytes.length + 200 * this.entries.length
  }

  /** Until when the last of its pages can be waited for, from `now` on. */
  lastDueAt(now: number): number {
    return this.entries.reduce((last, { dueAt }) => Math.max(last, dueAt), now)
  }
}

const hasBlobs = ({ blobs, body }: NewPage): boolean => (blobs?.length ?? 0) > 0 || body.includes('"b":"')

/** Packs pages, in order, into as few items as the size allows. */
export function packItems(pages: NewPage[]): NewPage[][] {
  const items: NewPage[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const page of pages) {
    if (bytes + page.bytes > itemBytes) {
      items.push([])
      bytes = 0
    }
    items.at(-1)!.push(page)
    bytes += page.bytes
  }
  return items
}

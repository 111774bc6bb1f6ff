import type { Blob } from '../../../pages/page.ts'
import type { Row } from '../client/rows.ts'
import { inBatches, type Table } from '../client/table.ts'
import { keys } from '../keys.ts'
import { pack, unpack } from '../packing.ts'

/** Fits an item of DynamoDB with room for its key. */
const chunkBytes = 390_000

/**
 * Large payloads, each in as many items as it takes. They have no TTL: a blob lives exactly as long as the job or the dead
 * letter that refers to it, and is deleted with it, at the units that writing it took.
 */
export class Blobs {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  async write(blobs: Blob[]): Promise<void> {
    for (const few of inBatches(blobs, 8)) {
      const rows = await Promise.all(few.map(rowsOf))
      await Promise.all(rows.flat().map((row) => this.#table.put(row)))
    }
  }

  async read(ids: string[]): Promise<Blob[]> {
    const first = await this.#table.getMany(ids.map((id) => keys.blob(id, 0)))
    const rest = first.flatMap((row) => restOf(String(row.id), Number(row.chunks)))
    const others = await this.#table.getMany(rest)
    const chunks = new Map([...first, ...others].map((row) => [`${row.pk}#${row.sk}`, row.d as Uint8Array]))
    return first.flatMap((row): Blob[] => {
      const id = String(row.id)
      const all = [keys.blob(id, 0), ...restOf(id, Number(row.chunks))].map((key) =>
        chunks.get(`${key.pk}#${key.sk}`),
      )
      // Deleted while it was read.
      if (all.includes(undefined)) return []
      return [{ id, data: unpack(Buffer.concat(all as Uint8Array[])).toString() }]
    })
  }

  async delete(ids: string[]): Promise<void> {
    await Promise.all(
      ids.map(async (id) => {
        const first = await this.#table.delete(keys.blob(id, 0))
        if (first) await this.#table.deleteMany(restOf(id, Number(first.chunks)))
      }),
    )
  }
}

async function rowsOf({ id, data }: Blob): Promise<Row[]> {
  const packed = await pack(Buffer.from(data))
  const chunks = Math.ceil(packed.byteLength / chunkBytes)
  return Array.from({ length: chunks }, (_, chunk) => ({
    ...keys.blob(id, chunk),
    id,
    chunks,
    d: packed.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes),
  }))
}

const restOf = (id: string, chunks: number) =>
  Array.from({ length: chunks - 1 }, (_, chunk) => keys.blob(id, chunk + 1))

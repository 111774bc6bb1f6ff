import { deflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'

/**
 * Level 1 takes a third of the time of the default level 6 for nine tenths of the saving. Small texts are done at once, for
 * larger ones the event loop need not wait.
 */
const level = 1
const smallBytes = 4_096
/** Below this, compression saves no write unit. */
const worthwhileBytes = 512

const plain = 0
const deflated = 1

/** Bytes to be stored; the first says how they are packed. */
export async function pack(data: Uint8Array): Promise<Uint8Array> {
  if (data.byteLength < worthwhileBytes) return withMark(plain, data)
  const packed = data.byteLength < smallBytes ? deflateRawSync(data, { level }) : await deflateLater(data)
  return packed.byteLength < data.byteLength ? withMark(deflated, packed) : withMark(plain, data)
}

export function unpack(stored: Uint8Array): Buffer {
  const content = stored.subarray(1)
  if (stored[0] === deflated) return inflateRawSync(content)
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength)
}

export const packJson = (value: unknown): Promise<Uint8Array> => pack(Buffer.from(JSON.stringify(value)))
export const unpackJson = <T>(stored: unknown): T => JSON.parse(unpack(stored as Uint8Array).toString()) as T

const deflateLater = (data: Uint8Array): Promise<Buffer> =>
  new Promise((done, fail) =>
    deflateRaw(data, { level }, (error, packed) => (error ? fail(error) : done(packed))),
  )

function withMark(mark: number, data: Uint8Array): Uint8Array {
  const marked = new Uint8Array(data.byteLength + 1)
  marked[0] = mark
  marked.set(data, 1)
  return marked
}

/**
 * Arrays in PostgreSQL's binary form, for parameters of many elements: in the text form the driver quotes every element and
 * the server unquotes it, byte by byte. (1,000 pages of one job: 0.9 against 0.3 µs a page here, 3 µs less in the server.)
 */
const textOid = 25
const int4Oid = 23
/** Dimensions, flags, type; length and lower bound of the one dimension. */
const headerBytes = 20

/** `bytes`: of all values in UTF-8, when that is known. */
export function textArray(values: readonly string[], bytes = maxBytes(values)): Buffer {
  const buffer = Buffer.allocUnsafe(headerBytes + 4 * values.length + bytes)
  let at = writeHeader(buffer, textOid, values.length)
  for (const value of values) {
    const length = buffer.write(value, at + 4)
    buffer.writeInt32BE(length, at)
    at += 4 + length
  }
  return buffer.subarray(0, at)
}

export function int4Array(values: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(headerBytes + 8 * values.length)
  let at = writeHeader(buffer, int4Oid, values.length)
  for (const value of values) {
    buffer.writeInt32BE(4, at)
    buffer.writeInt32BE(value, at + 4)
    at += 8
  }
  return buffer.subarray(0, at)
}

function writeHeader(buffer: Buffer, type: number, length: number): number {
  buffer.writeInt32BE(length > 0 ? 1 : 0, 0)
  buffer.writeInt32BE(0, 4)
  buffer.writeInt32BE(type, 8)
  if (length === 0) return 12
  buffer.writeInt32BE(length, 12)
  buffer.writeInt32BE(1, 16)
  return headerBytes
}

/** A character of a string takes three bytes at most. */
const maxBytes = (values: readonly string[]) => values.reduce((sum, value) => sum + 3 * value.length, 0)

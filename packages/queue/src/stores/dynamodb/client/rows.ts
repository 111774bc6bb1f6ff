import type { AttributeValue } from '@aws-sdk/client-dynamodb'

/** What an attribute holds here: the store needs no sets, lists or maps of DynamoDB's own. */
export type Value = string | number | boolean | Uint8Array
/** An item as plain values. Members that are undefined are left out. */
export interface Row {
  pk: string
  sk: string
  [attribute: string]: Value | undefined
}
export type Key = Pick<Row, 'pk' | 'sk'>
export type Attributes = Record<string, AttributeValue>

export function toAttributes(row: Record<string, Value | undefined>): Attributes {
  const attributes: Attributes = {}
  for (const [name, value] of Object.entries(row))
    if (value !== undefined) attributes[name] = toAttribute(value)
  return attributes
}

function toAttribute(value: Value): AttributeValue {
  if (typeof value === 'string') return { S: value }
  if (typeof value === 'number') return { N: String(value) }
  if (typeof value === 'boolean') return { BOOL: value }
  return { B: value }
}

export function fromAttributes(attributes: Attributes): Row {
  const row: Record<string, Value> = {}
  for (const [name, { S, N, BOOL, B }] of Object.entries(attributes)) {
    const value = S ?? (N === undefined ? undefined : Number(N)) ?? BOOL ?? B
    if (value !== undefined) row[name] = value
  }
  return row as unknown as Row
}

/** Size of an item as DynamoDB counts it: names and values, in bytes. */
export function sizeOf(row: Record<string, Value | undefined>): number {
  let size = 0
  for (const [name, value] of Object.entries(row)) {
    if (value === undefined) continue
    size += Buffer.byteLength(name)
    if (typeof value === 'string') size += Buffer.byteLength(value)
    else if (typeof value === 'number') size += Math.ceil(String(value).length / 2) + 1
    else if (typeof value === 'boolean') size += 1
    else size += value.byteLength
  }
  return size
}

/** A write unit is 1 KB, a read unit 4 KB read consistently; an eventually consistent read costs half. */
export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / 1_024))
export const readUnits = (bytes: number, consistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / 4_096)) * (consistent ? 1 : 0.5)

import type { Json } from '@fairway/queue'

/** Kinds of values that a property may have. */
export const valueTypes = ['text', 'number', 'boolean', 'date', 'list', 'object'] as const
export type ValueType = (typeof valueTypes)[number]

/** One bit for each, so that the types of a property are one number; 0 for null, which is no value. */
export const bitOf = (type: ValueType): number => 1 << valueTypes.indexOf(type)

const [text, number, boolean, date, list, object] = valueTypes.map(bitOf) as [
  number,
  number,
  number,
  number,
  number,
  number,
]

/** The bit of a value's type. Runs for every property of every item. */
export function typeBit(value: Json | undefined): number {
  switch (typeof value) {
    case 'string':
      return isDate(value) ? date : text
    case 'number':
      return number
    case 'boolean':
      return boolean
    case 'object':
      return value === null ? 0 : Array.isArray(value) ? list : object
    default:
      return 0
  }
}

const isDate = (value: string): boolean =>
  value.length >= 10 &&
  value.length <= 35 &&
  value.charCodeAt(4) === 45 &&
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(
    value,
  )

export const typesOf = (bits: number): ValueType[] => valueTypes.filter((type) => bits & bitOf(type))

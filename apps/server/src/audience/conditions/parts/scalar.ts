import Type from 'typebox'
import { refuse, text } from '../check.ts'
import { limits } from './limits.ts'
import { textSchema } from './schemas.ts'

/** Values that properties are compared with, one or a list of them. */
export type ScalarValue = string | number | boolean

export const scalarSchema = Type.Union([textSchema, Type.Number(), Type.Boolean()])
export const scalarsSchema = Type.Array(scalarSchema, { minItems: 1, maxItems: limits.maxValues })

export function checkScalar(input: unknown, path: string): void {
  if (typeof input === 'boolean' || Number.isFinite(input)) return
  if (typeof input !== 'string') throw refuse(path, 'must be text, a number, true or false')
  text(input, path, limits.maxTextLength)
}

export function checkScalars(input: unknown, path: string): void {
  if (!Array.isArray(input) || input.length === 0 || input.length > limits.maxValues) {
    throw refuse(path, `must be a list of 1 to ${limits.maxValues} values`)
  }
  input.forEach((value, index) => {
    checkScalar(value, `${path}.${index}`)
  })
}

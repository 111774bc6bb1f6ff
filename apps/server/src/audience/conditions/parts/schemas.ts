import Type from 'typebox'
import { limits } from './limits.ts'

/** Pieces of the JSON Schema of conditions. */
export const closed = { additionalProperties: false }
export const nameSchema = Type.String({ minLength: 1, maxLength: limits.maxNameLength })
export const textSchema = Type.String({ minLength: 1, maxLength: limits.maxTextLength })
export const maxId = 2_147_483_647
export const idSchema = Type.Integer({ minimum: 1, maximum: maxId })
export const oneOfSchema = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value))))

import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import Value from 'typebox/value'

/**
 * Compiles typebox schemas. Query strings, path parameters and headers are text, so their values are converted to what
 * the schema says; bodies are taken as they are. Defaults are filled in everywhere.
 */
export const compileSchema: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema)
  return (input: unknown) => {
    // No body at all comes as null.
    if (httpPart === 'body' && input === null && Type.IsOptional(schema)) return { value: input }
    const filled = Value.Default(schema, input)
    const value = httpPart === 'body' ? filled : Value.Convert(schema, filled)
    const errors = validator.Check(value) ? [] : (validator.Errors(value) as FastifySchemaValidationError[])
    // Bodies were looked at as a whole: see json-body.ts.
    if (httpPart !== 'body') errors.unshift(...unstorable(value as object))
    return errors.length === 0 ? { value } : { error: errors as never }
  }
}

/** What no schema says: PostgreSQL stores no NUL, and beyond ±2^53 a number is another than the one that was sent. */
function unstorable(parameters: object): FastifySchemaValidationError[] {
  return Object.entries(parameters).flatMap(([name, value]) => {
    const message = problemOf(value)
    return message === undefined
      ? []
      : { keyword: 'storable', instancePath: `/${name}`, schemaPath: '#', params: {}, message }
  })
}

function problemOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.map(problemOf).find(Boolean)
  if (typeof value === 'string' && value.includes('\0')) return 'contains a NUL character (%00); remove it'
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
    return `must be within ±${Number.MAX_SAFE_INTEGER}`
  return undefined
}

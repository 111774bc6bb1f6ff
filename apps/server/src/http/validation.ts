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
    if (validator.Check(value)) return { value }
    return { error: validator.Errors(value) as FastifySchemaValidationError[] as never }
  }
}

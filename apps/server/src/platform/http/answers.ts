import type { FastifySerializerCompiler } from 'fastify'
import type { TSchema } from 'typebox'

/**
 * What a route declares of its good answers, `schema: { …, response: ok(Campaign) }`, with the schemas of `@fairway/api`. It is for
 * `/openapi.json` and for clients; the tests hold every answer against it (testing/answers.ts). What is sent is what the
 * handler gives, to the letter: see {@link sendAsGiven}.
 */
const declared = (schema: TSchema, description: string): unknown => ({
  ...schema,
  'x-response-description': description,
})

export const ok = (schema: TSchema) => ({ 200: declared(schema, 'OK') })
export const created = (schema: TSchema) => ({ 201: declared(schema, 'Created') })
/** It is done in the background. */
export const accepted = (schema: TSchema) => ({ 202: declared(schema, 'Accepted: done in the background') })

/** Of a batch, some. */
export const partly = (schema: TSchema) => ({ 207: declared(schema, 'Partly taken') })

const empty: unknown = { type: 'null', description: 'No content' }
export const noContent = { 204: empty }
export const acceptedWithoutContent = { 202: empty }

/** To a page. */
export const redirect = { 303: { type: 'null', description: 'See other' } as unknown }

/** A file or a stream of one of these types. */
export const file = (...types: string[]) => ({
  200: {
    description: 'OK',
    content: Object.fromEntries(types.map((type) => [type, { schema: contentOf(type) }])),
  } as unknown,
})

/** The same, also by `Range`. */
export const fileInParts = (...types: string[]) => ({ ...file(...types), 206: file(...types)[200] })

const contentOf = (type: string) => ({ type: type === 'application/json' ? 'object' : 'string' })

/** Fastify's own serializer would leave out members that are not declared, and cast values to their declared types. */
export const sendAsGiven: FastifySerializerCompiler<unknown> = () => (answer) => JSON.stringify(answer)

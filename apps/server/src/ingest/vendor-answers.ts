import { type TSchema, Type } from 'typebox'
import { ok, partly } from '../platform/http/answers.ts'

/** What the vendors' APIs answer, for `/openapi.json`. */
export const trackAnswer = ok(Type.Object({ status: Type.Literal(200), message: Type.Literal('Success.') }))

const refused = { field: Type.Optional(Type.String()) }
const ofSegment = (more: Record<string, TSchema> = {}) =>
  ok(Type.Object({ success: Type.Literal(true), ...more }))

export const segmentAnswer = ofSegment()
export const segmentBatchAnswer = ofSegment({
  rejected: Type.Optional(
    Type.Array(Type.Object({ index: Type.Integer(), reason: Type.String(), ...refused }), {
      description: 'Calls that can not be taken; the others are',
    }),
  ),
})

export const customerIoAnswer = ok(Type.Object({}))
export const customerIoBatchAnswer = {
  ...customerIoAnswer,
  ...partly(
    Type.Object({
      errors: Type.Array(
        Type.Object({
          batch_index: Type.Integer(),
          reason: Type.String(),
          message: Type.String(),
          ...refused,
        }),
      ),
    }),
  ),
}
export const customerIoRegion = ok(
  Type.Object({ url: Type.String(), region: Type.String(), environment_id: Type.Integer() }),
)

/** Settings as each library reads them. */
export const librarySettings = ok(Type.Object({}, { additionalProperties: true }))

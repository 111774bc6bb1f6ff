import { type ApiError, badRequest } from '../platform/errors.ts'

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw jsonError(text, Buffer.byteLength(text), error as Error)
  }
}

/** `bytes`: of the body as it came. */
export function jsonError(text: string, bytes: number, error: Error): ApiError {
  if (endsEarly(text, error.message))
    return badRequest(
      `The JSON body ends early, after ${bytes} bytes; check that Content-Length counts bytes, not characters`,
    )
  return badRequest(`The body is not valid JSON: ${error.message.slice(0, 200)}`)
}

/** V8 says it in one of these ways when the text stops inside a value. */
function endsEarly(text: string, message: string): boolean {
  if (message.includes('end of JSON') || message.includes('Unterminated')) return true
  const position = message.startsWith('Expected ') && /at position (\d+)/.exec(message)?.[1]
  return Boolean(position) && Number(position) >= text.trimEnd().length
}

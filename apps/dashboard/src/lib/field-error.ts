import { ApiError } from '../api/client.ts'

/** The server's words about one form field, or undefined when its complaint is about something else. */
export const fieldError = (error: Error | null, field: string): string | undefined =>
  error instanceof ApiError && error.field !== undefined && matches(error.field, field)
    ? atField(error, error.field, field)
    : undefined

const matches = (path: string, field: string) =>
  path === field || path === `/${field}` || path.startsWith(`${field}.`)

/** What stands at its field need not name it as the API does; a place inside of it is told. */
function atField({ message, said }: ApiError, path: string, field: string): string {
  if (path !== field) return message
  const rest = said.startsWith(path) && /^[ :,] */.exec(said.slice(path.length))
  if (!rest) return message
  const words = said.slice(path.length + rest[0].length)
  return /^(is|must|may|has|needs|contains) /.test(words) ? `This ${words}` : upper(words)
}

const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

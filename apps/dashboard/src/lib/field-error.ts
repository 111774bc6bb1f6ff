import { ApiError } from '../api/client.ts'

/** The server's words about one form field, or undefined when its complaint is about something else. */
export const fieldError = (error: Error | null, field: string): string | undefined =>
  error instanceof ApiError && error.field !== undefined && matches(error.field, field)
    ? error.message
    : undefined

const matches = (path: string, field: string) =>
  path === field || path === `/${field}` || path.startsWith(`${field}.`)

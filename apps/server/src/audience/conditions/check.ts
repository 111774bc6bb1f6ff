import { type ApiError, invalidField } from '../../platform/errors.ts'

/** Small checks of JSON from outside. Each throws a 422 that names the place and says what fits there. */
export type Members = Record<string, unknown>

export const refuse = (path: string, message: string): ApiError => invalidField(path, `${path} ${message}`)

export const list = (words: readonly string[]): string => words.join(', ')

export const isOneOf = <T extends string>(value: unknown, allowed: readonly T[]): value is T =>
  allowed.includes(value as T)

export function object(input: unknown, path: string, message: string): Members {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw refuse(path, message)
  return input as Members
}

export function allowOnly(members: Members, path: string, allowed: readonly string[]): void {
  const unknownMember = Object.keys(members).find((key) => !allowed.includes(key))
  if (unknownMember !== undefined)
    throw refuse(`${path}.${unknownMember}`, `is unknown; allowed here: ${list(allowed)}`)
}

export function oneOf<T extends string>(input: unknown, path: string, allowed: readonly T[]): T {
  if (!isOneOf(input, allowed)) throw refuse(path, `must be one of ${list(allowed)}`)
  return input
}

export function text(input: unknown, path: string, longest: number): string {
  if (typeof input !== 'string' || input === '' || input.length > longest) {
    throw refuse(path, `must be text of 1 to ${longest} characters`)
  }
  // PostgreSQL can't store them, and no property contains them.
  if (input.includes('\0') || !input.isWellFormed()) {
    throw refuse(path, 'must not contain NUL or unpaired surrogates')
  }
  return input
}

export function requireTrue(input: unknown, path: string): void {
  if (typeof input !== 'boolean') throw refuse(path, 'must be true or false')
}

export function optionalTruth(input: unknown, path: string): void {
  if (input !== undefined) requireTrue(input, path)
}

export function wholeNumber(input: unknown, path: string, least: number, most: number): void {
  if (!Number.isInteger(input) || (input as number) < least || (input as number) > most) {
    throw refuse(path, `must be a whole number from ${least} to ${most}`)
  }
}

import type { Person, Properties } from '@fairway/api'

/** The best words for a person: email, own id, anonymous id, and at last our number. */
export const personName = (
  person: Pick<Person, 'id' | 'email' | 'externalId'> & Partial<Pick<Person, 'anonymousId'>>,
) =>
  person.email ??
  person.externalId ??
  (person.anonymousId ? `anonymous ${person.anonymousId}` : `person ${person.id}`)

/** Their name as they write it, from the properties that carry one; the server finds people by the same. */
export function shownName(properties: Properties): string {
  const first = (...names: string[]) =>
    names.map((name) => properties[name]).find((value) => typeof value === 'string' && value !== '') ?? ''
  const whole =
    first('name', 'full_name', 'fullName') ||
    `${first('first_name', 'firstName', 'firstname')} ${first('last_name', 'lastName', 'lastname')}`
  return String(whole).trim()
}

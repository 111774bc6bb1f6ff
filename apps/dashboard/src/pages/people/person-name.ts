import type { Person } from '../../api/types.ts'

/** The best words for a person: email, own id, anonymous id, and at last our number. */
export const personName = (
  person: Pick<Person, 'id' | 'email' | 'externalId'> & Partial<Pick<Person, 'anonymousId'>>,
) =>
  person.email ??
  person.externalId ??
  (person.anonymousId ? `anonymous ${person.anonymousId}` : `person ${person.id}`)

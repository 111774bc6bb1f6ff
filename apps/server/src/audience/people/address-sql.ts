/**
 * SQL of what the address of a person is compared by (the key of email-address.ts), null for somebody without one; an index has
 * people in its order. `lower` is told to fold ASCII only: in a database of Turkish locale it makes a dotless i of an I.
 *
 * @param people their table or its alias
 */
export const addressKeySql = (people: string): string =>
  `coalesce(${people}.folded_email, lower(${people}.email collate "C"))`

/** SQL of a person's name as they write it, from the properties that carry one; null without. Cut, as a search sees it. */
export const shownName = (properties: string): string => `nullif(left(btrim(coalesce(
  nullif(${properties} ->> 'name', ''), nullif(${properties} ->> 'full_name', ''), nullif(${properties} ->> 'fullName', ''),
  coalesce(${properties} ->> 'first_name', ${properties} ->> 'firstName', ${properties} ->> 'firstname', '') || ' ' ||
  coalesce(${properties} ->> 'last_name', ${properties} ->> 'lastName', ${properties} ->> 'lastname', '')
)), 100), '')`

import { type DateValue, type Filter, isRelative, type Operator, type Test, type Window } from './language.ts'

/** What parts of conditions still lack, in words; undefined for what is whole. */
export const firstOf = (complaints: (string | undefined)[]) =>
  complaints.find((complaint) => complaint !== undefined)

export const unnamed = (name: string, what: string) => (name.trim() === '' ? `Name ${what}` : undefined)

const valueless: Operator[] = ['is_set', 'is_not_set', 'is_empty', 'is_not_empty']

export function missingInTest({ operator, value }: Test): string | undefined {
  if (valueless.includes(operator)) return undefined
  if (value === undefined || value === '') return 'Give a value'
  if (Array.isArray(value) && value.length === 0) return 'Give at least one value'
  return undefined
}

export const missingInFilters = (filters: Filter[] = []) =>
  firstOf(filters.map((filter) => unnamed(filter.property, 'a property') ?? missingInTest(filter)))

export const missingDate = (value: DateValue | undefined) =>
  value === undefined || isRelative(value) || value !== '' ? undefined : 'Choose a date'

export const missingInWindow = (window: Window | undefined) =>
  typeof window === 'object' && !('last' in window)
    ? firstOf([missingDate(window.after), missingDate(window.before)])
    : undefined

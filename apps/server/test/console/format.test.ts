import { expect, it } from 'vitest'
import { formatRelative } from '../../../dashboard/src/lib/format.ts'

it('tells a moment ahead from one that has passed', () => {
  expect(formatRelative(1_000_000 + 3_000, 1_000_000)).toBe('in a moment')
  expect(formatRelative(1_000_000 - 3_000, 1_000_000)).toBe('just now')
  expect(formatRelative(1_000_000, 1_000_000)).toBe('just now')
})

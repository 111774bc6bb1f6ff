import { expect, test } from 'vitest'
import { inputs } from '../../../../testing/hostile/inputs/index.ts'

test('inputs have names of their own and say what they are for', () => {
  expect(new Set(inputs.map(({ name }) => name)).size).toBe(inputs.length)
  expect(inputs.filter(({ why }) => why === '')).toEqual([])
})

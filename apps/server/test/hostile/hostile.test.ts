import { expect, test } from 'vitest'
import { inputs } from '../../../../testing/hostile/inputs/index.ts'
import { playAll } from '../../../../testing/hostile/suite.ts'

test('inputs have names of their own and say what they are for', () => {
  expect(new Set(inputs.map(({ name }) => name)).size).toBe(inputs.length)
  expect(inputs.filter(({ why }) => why === '')).toEqual([])
})

/** Times are judged by hand (`npm run hostile -- --large`): here other tests run beside it. */
test('no hostile input is answered wrongly, keeps the server from answering others, or survives a restart', async () => {
  const rows = await playAll(inputs, { large: false })
  expect(rows.filter(({ wrong }) => wrong.length > 0).map(({ name, wrong }) => ({ name, wrong }))).toEqual([])
}, 1_800_000)

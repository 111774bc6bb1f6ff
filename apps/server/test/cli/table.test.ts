import { expect, it } from 'vitest'
import { table } from '../../src/cli/table.ts'

it('what people wrote moves no cursor and forges no row', () => {
  const reason = 'ok\u001b[2J\u001b]0;name\u0007\nvictim@x.example\u202e'
  expect(table(['address', 'reason'], [['a@x.example', reason]]).split('\n')).toEqual([
    expect.stringMatching(/^address +reason$/),
    'a@x.example  ok\\u001b[2J\\u001b]0;name\\u0007\\u000avictim@x.example\\u202e',
  ])
})

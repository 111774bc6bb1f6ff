import type { PersonDetail } from '@fairway/api'
import { expect, test } from 'vitest'
import { changesOf, nameProblem, toDraft, toValue } from '../../../dashboard/src/pages/people/person-draft.ts'

const draft = () =>
  toDraft({
    properties: { plan: '12', level: 3, vip: true, list: [1, 2], old: 'x' },
    email: 'ada@x.example',
    tags: ['a', 'b'],
    segments: [
      { id: 1, name: 'By hand' },
      { id: 2, name: 'By conditions' },
    ],
    topics: { news: true },
  } as unknown as PersonDetail)

test('a person who was not changed is changed in nothing', () => {
  expect(changesOf(draft(), draft(), new Set(['1', '3']))).toEqual({
    contact: {},
    properties: {},
    topics: {},
    tags: { add: [], remove: [] },
    lists: { add: [], remove: [] },
  })
})

test('only what was changed is sent, and segments by conditions are left alone', () => {
  const after = draft()
  after.properties = after.properties.filter(({ name }) => name !== 'old')
  after.properties.find(({ name }) => name === 'level')!.value = '4'
  after.properties.push({ key: 'new', name: ' size ', value: '42', isNew: true })
  after.properties.push({ key: 'empty', name: '', value: 'lost', isNew: true })
  after.contact = { ...after.contact, email: '', phone: ' +4930123' }
  after.tags = ['b', 'c']
  after.lists = ['3']
  after.topics = { news: false, offers: true }
  expect(changesOf(draft(), after, new Set(['1', '3']))).toEqual({
    contact: { phone: '+4930123', email: null },
    properties: { old: null, level: 4, size: 42 },
    topics: { news: false, offers: true },
    tags: { add: ['c'], remove: ['a'] },
    lists: { add: ['3'], remove: ['1'] },
  })
})

test('what was text stays text, and what was a list stays one', () => {
  expect(toValue('13', '12')).toBe('13')
  expect(toValue('true', 'x')).toBe('true')
  expect(toValue('13', 3)).toBe(13)
  expect(toValue('many', 3)).toBe('many')
  expect(toValue('[1]', [1, 2])).toEqual([1])
  expect(toValue('[1', [1, 2])).toBe('[1')
  expect(toValue('__proto__', undefined)).toBe('__proto__')
  expect(toValue('false', undefined)).toBe(false)
})

test('a new property has no name that stands elsewhere, or is there already', () => {
  const named = (name: string) => {
    const { properties } = draft()
    return nameProblem([...properties, { key: 'new', name, value: '', isNew: true }], properties.length)
  }
  for (const name of ['email', 'E-Mail ', 'Time zone', 'tags', 'ID']) expect(named(name), name).toBeDefined()
  for (const name of ['', 'emails', 'constructor', 'size']) expect(named(name), name).toBeUndefined()
  expect(named('plan ')).toBe('There is a property plan already: change it there')
})

import { type Input, many } from '../input.ts'

type Condition = Record<string, unknown>
const leaf: Condition = { person: 'plan', operator: 'contains', value: 'x' }
const past = (i: number): Condition => ({ event: `e${i % 50}`, count: { operator: '>=', value: 1 } })

/** As deep as `levels`, each one inside the one before; as text, because making it of objects goes as deep. */
const deep = (levels: number) => `${'{"not":'.repeat(levels)}${JSON.stringify(leaf)}${'}'.repeat(levels)}`
const tree = (levels: number, width: number): Condition =>
  levels === 0 ? leaf : { any: Array.from({ length: width }, () => tree(levels - 1, width)) }

export const reads: Input[] = [
  {
    name: 'previews of segments in parallel',
    why: '40 of one project made another wait 6.2 s for a page of people, or refused it',
    play: (tenant, scale) =>
      many(scale.of(20, 400), 40, (i) =>
        tenant.rest('POST', '/segments/preview', {
          conditions: { all: Array.from({ length: 20 }, (_, n) => past(i + n)) },
          exact: true,
        }),
      ),
  },
  {
    name: 'conditions, deep and wide',
    why: 'they become SQL that PostgreSQL plans for longer than it runs',
    async play(tenant, scale) {
      const trees = [
        tree(2, 9),
        tree(5, 6),
        { any: Array.from({ length: 99 }, () => leaf) },
        { any: Array.from({ length: scale.of(5_000, 50_000) }, () => leaf) },
        { all: Array.from({ length: 99 }, (_, i) => past(i)) },
      ]
      const texts = [deep(9), deep(scale.of(200, 5_000)), ...trees.map((one) => JSON.stringify(one))]
      for (const conditions of texts) {
        await tenant.rest('POST', '/segments/preview', `{"conditions":${conditions}}`)
        await tenant.rest('POST', '/people/search', `{"conditions":${conditions}}`)
      }
    },
  },
  {
    name: 'conditions of odd values',
    why: 'what is compared may be anything',
    async play(tenant) {
      const values = [
        '\\',
        '%',
        '_',
        '(',
        '*'.repeat(1_000),
        '\ud800',
        1e308,
        -1e308,
        '1e400',
        '9999-12-31',
        null,
        [],
        {},
        [null],
        '__proto__',
        '\u0000',
        ['__proto__', 1e308, '1e400', '\u0130'.repeat(1_000)],
        Array.from({ length: 100 }, (_, n) => n),
        Array.from({ length: 10_000 }, (_, n) => n),
        { operator: '>=', value: 1e300 },
        { operator: 'constructor', value: 0 },
        { ahead: { weeks: 1e300 } },
      ]
      for (const operator of [
        'equals',
        'not_one_of',
        'contains',
        'starts_with',
        'ends_with',
        'contains_any',
        'contains_all',
        'contains_none',
        'count',
        '>',
        'is_empty',
        'toString',
      ])
        for (const value of values)
          await tenant.rest('POST', '/segments/preview', {
            conditions: {
              person: '__proto__',
              operator,
              value,
              ignoreCase: Array.isArray(value) || undefined,
            },
          })
      for (const value of [...values, 1e15, -1e15, 0.1 + 0.2])
        for (const name of ['sum', 'average', 'min', 'constructor'])
          await tenant.rest('POST', '/segments/preview', {
            conditions: {
              event: 'x',
              aggregate: { function: name, property: '__proto__.x', operator: '>=', value },
            },
          })
      for (const days of [0, 365, 366, -1, 0.5, 1e300, '3', null, {}])
        for (const when of [{ in: { days } }, { within: { next: { days } } }])
          await tenant.rest('POST', '/segments/preview', {
            conditions: { anniversary: '__proto__', ...when },
          })
    },
  },
  {
    name: 'segments that mean each other',
    why: 'rings have no end',
    async play(tenant) {
      const make = (name: string, conditions: Condition) =>
        tenant.rest('POST', '/segments', { name, conditions })
      const first = await make('Ring 1', leaf)
      const id = first.status === 201 ? first.json().id : 1
      const second = await make('Ring 2', { segment: id })
      if (second.status === 201)
        await tenant.rest('PATCH', `/segments/${id}`, { conditions: { segment: second.json().id } })
      await tenant.rest('POST', '/segments/preview', {
        conditions: { all: Array.from({ length: 50 }, () => ({ segment: id })) },
      })
    },
  },
  {
    name: 'pages of everything, in parallel',
    why: 'each costs a connection of the few there are',
    play: (tenant, scale) =>
      many(scale.of(200, 5_000), 60, (i) =>
        tenant.rest(
          'GET',
          [
            '/people?limit=100',
            '/events?limit=100',
            '/messages?limit=100',
            '/overview?range=24h',
            '/queue',
            '/catalog/properties',
            '/events/over-time',
            '/tasks',
          ][i % 8]!,
        ),
      ),
  },
  {
    name: 'exports in parallel',
    why: 'each reads everybody',
    play: (tenant, scale) =>
      many(scale.of(10, 200), 10, (i) =>
        tenant.rest('POST', '/exports', {
          kind: ['people', 'events', 'messages'][i % 3],
          format: i % 2 ? 'csv' : 'ndjson',
        }),
      ),
  },
  {
    name: 'searches in parallel',
    why: 'each may look far for what begins alike',
    play: (tenant, scale) =>
      many(scale.of(100, 3_000), 40, (i) =>
        tenant.rest('GET', `/people?search=${'+'.repeat(i % 3)}${encodeURIComponent('1-'.repeat(i % 100))}`),
      ),
  },
]

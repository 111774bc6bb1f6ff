import type { Condition } from '../../../apps/server/src/audience/conditions/language.ts'

export interface Counted {
  name: string
  condition: Condition
  /** Several ways of a person who knows SQL and these tables. `$1` is the project, `$2` this moment. */
  byHand: string[]
}

const purchases = (from: string) =>
  `e.project_id = $1 and e.folded_name = 'purchased item' and e.occurred_at >= ${from}`
const month = "$2::timestamptz - interval '30 days'"
const quarter = "$2::timestamptz - interval '90 days'"
const proAndMore = `p.properties ->> 'plan' = 'pro' and ('vip' = any(p.tags) or (p.properties ->> 'orders')::int >= 20)`

export const counted: Counted[] = [
  {
    name: 'three nested, one of them a count of events',
    condition: {
      all: [
        { person: 'plan', operator: 'equals', value: 'pro' },
        { any: [{ tag: 'vip' }, { person: 'orders', operator: '>=', value: 20 }] },
        { event: 'Purchased item', count: { operator: '>=', value: 2 }, within: { last: { days: 90 } } },
      ],
    },
    byHand: [
      `select count(*) from people p where p.project_id = $1 and ${proAndMore}
         and p.id in (select e.person_id from events e where ${purchases(quarter)} group by 1 having count(*) >= 2)`,
      `select count(*) from people p join (
         select e.person_id from events e where ${purchases(quarter)} group by 1 having count(*) >= 2) as e on e.person_id = p.id
       where p.project_id = $1 and ${proAndMore}`,
      `select count(*) from people p where p.project_id = $1 and ${proAndMore}
         and (select count(*) from events e where ${purchases(quarter)} and e.person_id = p.id) >= 2`,
    ],
  },
  {
    name: 'few people, one event',
    condition: {
      all: [
        { person: 'city', operator: 'equals', value: 'City 77' },
        { event: 'Viewed item', within: { last: { days: 30 } } },
      ],
    },
    byHand: [
      `select count(*) from people p where p.project_id = $1 and p.properties ->> 'city' = 'City 77'
         and exists (select from events e where e.project_id = $1 and e.person_id = p.id
           and e.folded_name = 'viewed item' and e.occurred_at >= ${month})`,
      `select count(*) from people p where p.project_id = $1 and p.properties ->> 'city' = 'City 77'
         and p.id in (select e.person_id from events e where e.project_id = $1 and e.folded_name = 'viewed item'
           and e.occurred_at >= ${month})`,
    ],
  },
  {
    name: 'either an event or not another',
    condition: {
      any: [
        { event: 'Invited friend', within: { last: { days: 90 } } },
        {
          all: [
            { person: 'plan', operator: 'equals', value: 'team' },
            { event: 'Purchased item', did: false, within: { last: { days: 90 } } },
          ],
        },
      ],
    },
    byHand: [
      `select count(*) from people p where p.project_id = $1 and (
         p.id in (select e.person_id from events e where e.project_id = $1 and e.folded_name = 'invited friend' and e.occurred_at >= ${quarter})
         or (p.properties ->> 'plan' = 'team' and p.id not in (select e.person_id from events e where ${purchases(quarter)})))`,
      `select count(*) from people p
         left join (select distinct e.person_id from events e where e.project_id = $1 and e.folded_name = 'invited friend'
           and e.occurred_at >= ${quarter}) as i on i.person_id = p.id
         left join (select distinct e.person_id from events e where ${purchases(quarter)}) as b on b.person_id = p.id
       where p.project_id = $1 and (i.person_id is not null or (p.properties ->> 'plan' = 'team' and b.person_id is null))`,
    ],
  },
]

import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { migrate } from '../../../src/platform/db/migrate.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())

test('segments that ask for addresses are built again, and those that name them', async () => {
  const { pool } = database
  const byAddress = { not: { all: [{ person: 'email', operator: 'equals', value: 'A@x.example' }] } }
  await pool.query(
    `insert into segments (project_id, id, name, kind, conditions, built_to) overriding system value values
       (1, 1, 'By address', 'dynamic', $1, 9), (1, 2, 'Names it', 'dynamic', '{"any": [{"segment": 1}]}', 9),
       (1, 3, 'Names that', 'dynamic', '{"segment": 2}', 9), (1, 4, 'Listed', 'manual', null, 0),
       (1, 5, 'Of an event', 'dynamic', '{"event": "x", "where": [{"property": "email", "operator": "is_set"}]}', 9),
       (2, 1, 'Of others', 'dynamic', '{"segment": 2}', 9)`,
    [byAddress],
  )
  await pool.query(
    `with task as (insert into tasks (project_id, kind, input) values (1, 'segment_build', '{"segment": 1}') returning id)
     update segments s set state = 'building', build_task = task.id from task where s.project_id = 1 and s.id = 1`,
  )
  await pool.query('delete from migrations where version = 19')
  await migrate(database.url)
  const { rows: segments } = await pool.query(
    `select s.project_id, s.id, s.state, s.built_to, t.state as task, t.kind, t.title, t.input
     from segments s left join tasks t on t.project_id = s.project_id and t.id = s.build_task order by 1, 2`,
  )
  const building = (id: number, name: string) => ({
    project_id: 1,
    id,
    state: 'building',
    built_to: 0,
    task: 'waiting',
    kind: 'segment_build',
    title: `Build segment ${name}`,
    input: { segment: id },
  })
  expect(segments.slice(0, 3)).toEqual([
    building(1, 'By address'),
    building(2, 'Names it'),
    building(3, 'Names that'),
  ])
  expect(segments.slice(3).map(({ state }) => state)).toEqual(['ready', 'ready', 'ready'])
  const { rows: tasks } = await pool.query('select state from tasks order by id')
  expect(tasks.map(({ state }) => state)).toEqual(['cancelled', 'waiting', 'waiting', 'waiting'])
})

import type { Job, JobContext } from '@fairway/queue'
import type { Condition } from '../../../src/audience/conditions/language.ts'
import { changeSegment, createSegment } from '../../../src/audience/segments/change-segment.ts'
import { evaluateStep } from '../../../src/audience/segments/evaluate.ts'
import type { Segment } from '../../../src/audience/segments/segment.ts'
import { storeSegmentEvents } from '../../../src/ingest/process-events.ts'
import { workTask } from '../../../src/platform/tasks/work.ts'
import { segmentUsers } from '../../../src/segment-users.ts'
import { taskKinds } from '../../../src/task-kinds.ts'
import { type Bench, startBench } from '../../ingest/process-support.ts'

export interface SegmentBench extends Bench {
  at(time: number): void
  create(name: string, conditions: Condition | null): Promise<Segment>
  redefine(id: number, conditions: Condition): Promise<Segment>
  /** Works the open builds to their end. */
  build(): Promise<void>
  /** Looks at everybody who changed or is due. */
  evaluate(): Promise<void>
  /** Own ids of the people in it. */
  members(id: number): Promise<string[]>
  newProject(): Promise<SegmentBench>
}

/** The server without its workers: tests say when segments are looked at, and what time it is. */
export async function startSegmentBench(start: number): Promise<SegmentBench> {
  let now = start
  const root = await startBench(() => new Date(now))
  const toSegmentBench = (bench: Bench): SegmentBench => ({
    ...bench,
    at: (time) => {
      now = time
    },
    create: (name, conditions) => createSegment(bench.app, bench.projectId, { name, conditions }),
    redefine: (id, conditions) => changeSegment(bench.app, segmentUsers, bench.projectId, id, { conditions }),
    async build() {
      const tasks = await bench.rows<{ id: number }>(
        `select id from tasks where project_id = $1 and state in ('waiting', 'running')`,
        bench.projectId,
      )
      for (const { id } of tasks) {
        const job = { tenant: String(bench.projectId), data: { task: id }, attempt: 1 } as unknown as Job
        await workTask(bench.app, taskKinds)(job, { signal: new AbortController().signal } as JobContext)
      }
    },
    async evaluate() {
      while (await evaluateStep(bench.app, bench.projectId, storeSegmentEvents));
    },
    async members(id) {
      const rows = await bench.rows<{ external_id: string }>(
        `select external_id from segment_members m join people p on p.project_id = $1 and p.id = m.person_id
         where m.project_id = $1 and segment_id = $2 order by external_id`,
        bench.projectId,
        id,
      )
      return rows.map(({ external_id }) => external_id)
    },
    newProject: async () => toSegmentBench(await bench.newProject()),
  })
  return toSegmentBench(root)
}

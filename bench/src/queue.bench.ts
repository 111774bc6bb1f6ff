/**
 * @fairway/queue beside BullMQ, pg-boss and graphile-worker: same machine, same run, same 200 bytes of data, each tuned as
 * its documentation says, each in a process of its own on a store of its own. PostgreSQL with fsync on; Redis writes its
 * append-only file, flushed every second or before each reply. `--only enqueue,process` for some sections, `--runs 5`,
 * `--scale 0.1` for shorter runs, `--backlog 10000000`, `--catch-up 5760000`. Needs redis-server.
 */
import { closeAll } from './machines.ts'
import { backlogSection } from './queue/backlog-section.ts'
import { catchUpSection } from './queue/catch-up-section.ts'
import { enqueueSection } from './queue/enqueue-section.ts'
import { Figures } from './queue/figures.ts'
import { floodSection } from './queue/flood-section.ts'
import { Lab } from './queue/lab.ts'
import { processSection } from './queue/process-section.ts'
import type { Section } from './queue/section.ts'
import { worstSection } from './queue/worst-section.ts'
import { report, runs, words } from './report.ts'

const sections: Record<string, () => Section> = {
  enqueue: enqueueSection,
  process: processSection,
  worst: worstSection,
  flood: floodSection,
  backlog: backlogSection,
  catchup: catchUpSection,
}

const names = words('only', Object.keys(sections))
const unknown = names.filter((name) => !sections[name])
if (unknown.length > 0) {
  console.error(`No section ${unknown.join(', ')}; there are: ${Object.keys(sections).join(', ')}`)
  process.exit(2)
}
const chosen = names.map((name) => ({ name, section: sections[name]!() }))

try {
  const lab = await Lab.open()
  for (let run = 1; run <= runs; run++) {
    const figures = new Figures(lab)
    for (const { name, section } of chosen) {
      const startedAt = performance.now()
      await section.measure(lab, figures)
      console.log(`run ${run} of ${runs}: ${name}, ${Math.round((performance.now() - startedAt) / 1_000)} s`)
    }
  }
  report(
    // Some sections alone must not replace the figures of all.
    names.length === Object.keys(sections).length ? 'queue' : `queue-${names.join('-')}`,
    chosen.flatMap(({ section }) => section.rows()),
  )
} finally {
  await closeAll()
}

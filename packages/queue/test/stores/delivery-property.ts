import fc from 'fast-check'
import { it } from 'vitest'
import type { Harness } from './conformance.ts'
import { History, type Step } from './delivery-history.ts'

const worker = fc.nat(2)
const page = fc.nat(5)
const replay = fc.boolean()
const tenant = fc.nat(3)
const jobs = fc.integer({ min: 1, max: 4 })
/** Most jobs are ordinary; a few keys get many jobs, so that their order is at stake. */
const stream = fc.constantFrom('', '', '', 'p1', 'p3', 'kx', 'kx', 'ky')

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('append'), tenant, jobs, stream, later: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('appendUnique'), tenant, stream, key: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim'), worker }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('finish'), worker, page, replay }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('finishPart'), worker, page, replay }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('retry'), worker, page, replay, later: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel'), job: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die'), worker }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('promote') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('collect') }) },
) as fc.Arbitrary<Step>

/**
 * Random histories of producers, workers, deaths, retries, cancellations and settlements that come twice or too late, checked
 * against a ledger: no job is lost, none runs again after it was settled or cancelled, none is in two hands at once, the jobs
 * of a key run in order, and a unique key lets one job in.
 */
export function deliveryProperty(
  name: string,
  open: () => Promise<Harness>,
  { runs, steps }: { runs: number; steps: number },
): void {
  it(`${name} store: every job is delivered, and none after its settlement`, async () => {
    const harness = await open()
    let run = 0
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: steps }), async (history) => {
          await new History(harness, `p${run++}`).play(history)
        }),
        // Shrinking a history of a database takes longer than reading the one that failed.
        { numRuns: runs, endOnFailure: name !== 'memory' },
      )
    } finally {
      await harness.close()
    }
  })
}

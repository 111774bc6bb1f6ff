import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBody, encodeBody, type JobRecord } from '../../src/pages/job-record.ts'
import { lossLimits, returnJobs } from '../../src/stores/returned-jobs.ts'

const pageOf = (records: JobRecord[]) => ({
  lane: 'l',
  tenant: 't',
  stream: '',
  firstAt: 5,
  done: null,
  body: encodeBody(records).body,
  moving: false,
})
const now = 1_000_000

/** Loses what came back again and again; returns what died, and how many rounds that took. */
function loseUntilDead(records: JobRecord[], random: () => number) {
  let held = [pageOf(records)]
  for (let round = 1; ; round++) {
    const { pages, dead, jobs } = returnJobs(held, { now, ...lossLimits }, random)
    expect(jobs).toBe(held.reduce((sum, { body }) => sum + decodeBody(body).length, 0))
    if (pages.length === 0) return { dead, round }
    held = pages.map((page) => pageOf(decodeBody(page.body)))
  }
}

describe('jobs whose worker was lost', () => {
  it('come back at once and together the first time', () => {
    const { pages } = returnJobs(
      [
        pageOf([
          ['a', 'n', 1],
          ['b', 'n', 2],
        ]),
      ],
      { now, ...lossLimits },
    )
    expect(pages).toHaveLength(1)
    expect(pages[0]).toMatchObject({ jobs: 2, dueAt: now, firstAt: 5 })
  })

  it('come back alone and apart from each other after that, so that one that kills its worker is soon alone', () => {
    const lost = decodeBody(
      returnJobs(
        [
          pageOf([
            ['a', 'n', 1],
            ['b', 'n', 2],
          ]),
        ],
        { now, ...lossLimits },
      ).pages[0]!.body,
    )
    const chances = [0.1, 0.9]
    const { pages } = returnJobs([pageOf(lost)], { now, ...lossLimits }, () => chances.shift()!)
    expect(pages.map(({ jobs, dueAt }) => [jobs, dueAt])).toEqual([
      [1, now + 200],
      [1, now + 1_800],
    ])
  })

  it('die after their fifth worker with a reason that says so, whatever failed before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failed, chance) => {
          const { dead, round } = loseUntilDead([['a', 'n', 1, failed]], () => chance)
          expect(round).toBe(Math.min(lossLimits.maxLosses!, lossLimits.maxAttempts - failed))
          expect(dead).toEqual([expect.objectContaining({ id: 'a', attempts: failed + round })])
          expect(dead[0]!.reason).toMatch(/^its worker died or lost its lease \d times while holding it$/)
        },
      ),
    )
  })
})

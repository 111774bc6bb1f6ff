import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SeatLimits, Seats } from '../../../src/platform/capacity/seats.ts'

const limits: SeatLimits = {
  seats: 4,
  seatsPerProject: 2,
  waitingPerProject: 3,
  waiting: 6,
  maxWaitMs: 600_000,
}
/** What was promised is told in later turns. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('seats of costly reads', () => {
  it('never go beyond their limits, never stay empty while somebody may have one, and all come back', async () => {
    const step = fc.oneof(
      fc.record({ project: fc.integer({ min: 1, max: 5 }) }),
      fc.constant('give back' as const),
      fc.constant('leave' as const),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const seats = new Seats(limits)
        const taken: { project: number; giveBack: () => void }[] = []
        const waiting = new Map<AbortController, number>()
        const count = (list: Iterable<number>, project: number) =>
          [...list].filter((each) => each === project).length
        for (const next of steps) {
          if (next === 'give back') taken.shift()?.giveBack()
          else if (next === 'leave') waiting.keys().next().value?.abort(new Error('left'))
          else {
            const { project } = next
            const leaving = new AbortController()
            waiting.set(leaving, project)
            seats
              .take(project, leaving.signal)
              .then((giveBack) => taken.push({ project, giveBack }))
              .catch(() => {})
              .finally(() => waiting.delete(leaving))
          }
          await settled()
          const held = taken.map(({ project }) => project)
          expect(held.length).toBeLessThanOrEqual(limits.seats)
          expect(waiting.size).toBeLessThanOrEqual(limits.waiting)
          for (const project of [1, 2, 3, 4, 5]) {
            expect(count(held, project)).toBeLessThanOrEqual(limits.seatsPerProject)
            expect(count(waiting.values(), project)).toBeLessThanOrEqual(limits.waitingPerProject)
            const mayHaveOne = held.length < limits.seats && count(held, project) < limits.seatsPerProject
            if (mayHaveOne) expect(count(waiting.values(), project)).toBe(0)
          }
        }
        for (; taken.length > 0; await settled()) taken.shift()!.giveBack()
        expect(waiting.size).toBe(0)
        for (const project of [1, 1, 2, 2]) await seats.take(project)
      }),
    )
  })

  it('go to the project that holds the fewest, of equals to the one whose turn it is', async () => {
    const seats = new Seats({ ...limits, seats: 2, waiting: 100, waitingPerProject: 50 })
    const served: string[] = []
    const free: (() => void)[] = []
    const ask = (project: number, name: string) =>
      seats.take(project).then((giveBack) => {
        served.push(name)
        free.push(giveBack)
      })
    for (let n = 1; n <= 40; n++) void ask(1, `flood ${n}`)
    void ask(2, 'once')
    void ask(3, 'also once')
    void ask(2, 'twice')
    for (let freed = 0; freed < 6; freed++) {
      await settled()
      free.shift()!()
    }
    await settled()
    expect(served).toEqual([
      'flood 1',
      'flood 2',
      'once',
      'flood 3',
      'also once',
      'twice',
      'flood 4',
      'flood 5',
    ])
  })

  it('are refused to whom would wait behind too many, and to whom waited too long', async () => {
    const seats = new Seats({ ...limits, seats: 1, maxWaitMs: 1 })
    const giveBack = await seats.take(1)
    const waiting = [1, 1, 1, 2, 2, 2].map((project) => seats.take(project, undefined, 'all of one'))
    const busy = { status: 429, code: 'busy', retryAfterSeconds: 2 }
    await expect(seats.take(1, undefined, 'all of one')).rejects.toMatchObject(busy)
    await expect(seats.take(3, undefined, 'all of one')).rejects.toMatchObject({
      status: 503,
      retryAfterSeconds: 2,
    })
    for (const promise of waiting) await expect(promise).rejects.toMatchObject(busy)
    giveBack()
    await expect(seats.take(2)).resolves.toBeTypeOf('function')
  })

  it('go to another organization before the next project of one that has many, and to it when too many wait', async () => {
    const seats = new Seats({ ...limits, seats: 2, waiting: 6 })
    const served: string[] = []
    const free: (() => void)[] = []
    const refused: string[] = []
    const ask = (project: number, organization: string) =>
      seats.take(project, undefined, organization).then(
        (giveBack) => {
          served.push(organization)
          free.push(giveBack)
        },
        () => refused.push(organization),
      )
    // Two of its projects read, six more wait: the room is full.
    for (let project = 1; project <= 8; project++) void ask(project, 'many')
    void ask(9, 'one')
    await settled()
    expect(refused).toEqual(['many'])
    free.shift()!()
    await settled()
    expect(served).toEqual(['many', 'many', 'one'])
  })
})

import { describe, expect, it } from 'vitest'
import { LargeTurns, maxInAll, maxOfProject, type Turn } from '../../src/ingest/large-turns.ts'

const client = (destroyed = false) => ({ destroyed })

describe('turns at large bodies', () => {
  it('go round the projects, and of each project one body follows the other', async () => {
    const turns = new LargeTurns()
    const done: string[] = []
    const work = (name: string) => async (turn: Turn) => {
      for (let i = 0; i < 3; i++) {
        await turn.next()
        done.push(name)
      }
    }
    await Promise.all([
      turns.run(1, client(), work('a')),
      turns.run(1, client(), work('b')),
      turns.run(2, client(), work('c')),
    ])
    expect(done.join('')).toBe('acacacbbb')
  })

  it('are one in a turn of the loop', async () => {
    const turns = new LargeTurns()
    let turnOfLoop = 0
    let ticking: NodeJS.Immediate = setImmediate(function tick() {
      turnOfLoop++
      ticking = setImmediate(tick)
    })
    const seen: number[] = []
    const work = async (turn: Turn) => {
      for (let i = 0; i < 5; i++) {
        await turn.next()
        seen.push(turnOfLoop)
      }
    }
    await Promise.all([1, 2, 3].map((project) => turns.run(project, client(), work)))
    clearImmediate(ticking)
    expect(new Set(seen).size).toBe(15)
  })

  it('are bounded, for a project and for all', async () => {
    const turns = new LargeTurns()
    let end = () => {}
    const held = new Promise<void>((resolve) => (end = resolve))
    const under: Promise<void>[] = []
    const hold = (project: number) => under.push(turns.run(project, client(), () => held))
    for (let i = 0; i < maxOfProject; i++) hold(1)
    await expect(turns.run(1, client(), async () => {})).rejects.toMatchObject({
      status: 429,
      retryAfterSeconds: 1,
    })
    for (let i = maxOfProject; i < maxInAll; i++) hold(i)
    await expect(turns.run(999, client(), async () => {})).rejects.toMatchObject({
      status: 503,
      retryAfterSeconds: 1,
    })
    end()
    await Promise.all(under)
    expect(await turns.run(1, client(), async () => 'room')).toBe('room')
  })

  it('end for a client that has gone, and one that fails holds up nobody', async () => {
    const turns = new LargeTurns()
    const done: string[] = []
    const gone = turns.run(1, client(true), async (turn) => {
      await turn.next()
      done.push('gone')
    })
    const next = turns.run(1, client(), async (turn) => {
      await turn.next()
      done.push('next')
    })
    await expect(gone).rejects.toThrow('gone')
    await next
    expect(done).toEqual(['next'])
  })
})

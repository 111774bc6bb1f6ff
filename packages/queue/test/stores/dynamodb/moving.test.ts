import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createTestDatabase } from '../../../../../testing/postgres.ts'
import { dynamodbStore } from '../../../src/dynamodb.ts'
import { createQueue, movableStore, postgresStore } from '../../../src/index.ts'
import { describeOnDynamodb, endpoint, freshTable } from './harness.ts'

describeOnDynamodb('between PostgreSQL and DynamoDB Local', () => {
  it('moves there and back while processes are killed at random moments: nothing lost, keys in order', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairway-moving-'))
    const file = join(directory, 'runs')
    writeFileSync(file, '')
    const database = await createTestDatabase({ migrate: false })
    const table = freshTable()
    const store = movableStore({
      stores: {
        postgres: postgresStore({ connectionString: database.url }),
        dynamodb: dynamodbStore({ table, endpoint: endpoint(), shards: 4 }),
      },
      connectionString: database.url,
    })
    const queue = createQueue({ store })
    await queue.migrate()
    const workers: ChildProcess[] = []
    onTestFinished(async () => {
      for (const worker of workers) worker.kill('SIGKILL')
      await queue.close()
      await database.drop()
      rmSync(directory, { recursive: true })
    })
    const start = async () => {
      const args = [database.url, endpoint(), table, file]
      const worker = fork(new URL('../movable/moving-process.ts', import.meta.url), args, {
        execArgv: ['--import', 'tsx', '--conditions=source'],
      })
      await new Promise((ready) => worker.once('message', ready))
      workers.push(worker)
    }
    const runs = () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(' ') as [string, string, string])
    let added = 0
    const add = async (count: number) => {
      await queue.addMany(
        Array.from({ length: count }, (_, n) => {
          const data = added + n
          const tenant = `t${data % 5}`
          return {
            ...{ lane: 'work', tenant, name: 'job', data },
            ...(data % 3 === 0 && { key: 'ordered' }),
            ...(data % 11 === 1 && { delayMs: 500 }),
          }
        }),
      )
      added += count
    }

    // A backlog to begin with.
    for (let n = 0; n < 20; n++) await add(100)
    await Promise.all([start(), start()])
    let kills = 0
    for (const target of ['dynamodb', 'postgres']) {
      await store.move(target)
      const giveUpAt = performance.now() + 120_000
      for (let round = 0; ; round++) {
        const { phase, target: now } = await store.moveProgress()
        if (phase === 'steady' && now === target) break
        if (performance.now() > giveUpAt) throw new Error(`the move to ${target} hangs in ${phase}`)
        await add(20)
        await pause(Math.random() * 300)
        // At first in quick succession, then with time enough to come to an end.
        if (round > 15 || round % 4 !== 3) continue
        workers.splice(Math.floor(Math.random() * workers.length), 1)[0]!.kill('SIGKILL')
        kills++
        await start()
      }
      await add(100)
    }
    const giveUpAt = performance.now() + 60_000
    const done = () => new Set(runs().map(([, , n]) => n)).size
    // A run is noted before it is settled, and what a killed worker had claimed comes back once more.
    const settled = async () => done() === added && (await store.remaining()) === 0
    while (!(await settled()) && performance.now() < giveUpAt) await pause(50)
    const all = runs()
    expect(done()).toBe(added)
    // What a killed worker had claimed may run again, far below everything.
    expect(all.length - added).toBeLessThan(kills * 500)
    const firstRuns = new Map<string, Set<number>>()
    for (const [tenant, key, n] of all)
      if (key !== '-') {
        const seen = firstRuns.get(tenant) ?? new Set()
        firstRuns.set(tenant, seen.add(Number(n)))
      }
    // Of a key, a job with a delay comes when it is due, behind others.
    for (const seen of firstRuns.values()) {
      const inOrder = [...seen].filter((n) => n % 11 !== 1)
      expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b))
    }
    expect(await queue.deadLetters()).toEqual([])
    expect(await store.remaining()).toBe(0)
  }, 300_000)
})

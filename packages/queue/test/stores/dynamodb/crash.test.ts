import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createQueue } from '../../../src/create-queue.ts'
import { dynamodbStore } from '../../../src/stores/dynamodb/dynamodb-store.ts'
import { describeOnDynamodb, endpoint, freshTable } from './harness.ts'

describeOnDynamodb('on DynamoDB Local', () => {
  it('loses nothing when worker processes are killed at random moments', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairway-dynamodb-'))
    const file = join(directory, 'runs')
    writeFileSync(file, '')
    const table = freshTable()
    const queue = createQueue({ store: dynamodbStore({ table, endpoint: endpoint(), shards: 4 }) })
    await queue.migrate()
    const workers = new Set<ChildProcess>()
    onTestFinished(() => {
      for (const worker of workers) worker.kill('SIGKILL')
      rmSync(directory, { recursive: true })
    })
    const start = async () => {
      const worker = fork(new URL('./crash-worker.ts', import.meta.url), [endpoint(), table, file], {
        execArgv: ['--import', 'tsx', '--conditions=source'],
      })
      workers.add(worker)
      await new Promise((ready) => worker.once('message', ready))
      return worker
    }
    const runs = () => readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number)

    const total = 4_000
    const kills = 5
    let [one, two] = await Promise.all([start(), start()])
    let added = 0
    for (let kill = 0; kill < kills; kill++) {
      for (; added < (total / kills) * (kill + 1); added += 50)
        await queue.addMany(
          Array.from({ length: 50 }, (_, n) => ({
            ...{ lane: 'work', tenant: `t${n % 7}`, name: 'job', data: added + n },
            ...(n % 10 === 0 && { key: 'ordered' }),
          })),
        )
      // Some of what was just added is done, so that the kill falls into claims, handlers and settlements alike.
      const goal = added - Math.random() * (total / kills)
      while (new Set(runs()).size < goal) await pause(10)
      one.kill('SIGKILL')
      workers.delete(one)
      ;[one, two] = [two, await start()]
    }
    const giveUpAt = performance.now() + 60_000
    while (new Set(runs()).size < total && performance.now() < giveUpAt) await pause(50)
    const all = runs()
    expect(new Set(all).size).toBe(total)
    // What a killed worker had claimed may run again, far below everything.
    expect(all.length - total).toBeLessThan(total / 2)
    expect(await queue.deadLetters()).toEqual([])
    await queue.close()
  }, 180_000)
})

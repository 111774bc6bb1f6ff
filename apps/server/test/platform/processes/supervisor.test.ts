import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../../../testing/until.ts'
import { isAlive, startOf } from '../../../src/platform/db/embedded/process-identity.ts'
import { endLeftovers, openRegister } from '../../../src/platform/processes/leftovers.ts'
import type { Role } from '../../../src/platform/processes/messages.ts'
import { StartFailed, Supervisor } from '../../../src/platform/processes/supervisor.ts'
import type { Patience, ProcessPlan } from '../../../src/platform/processes/watched-process.ts'

const log = pino({ level: 'silent' })
let dataDir: string
let supervisor: Supervisor | undefined

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'fairway-processes-'))
})
afterEach(async () => {
  await supervisor?.stop()
  supervisor = undefined
  rmSync(dataDir, { recursive: true, force: true })
})

function supervise(
  roles: Partial<Record<Role, string>>,
  patience: Partial<Patience> = {},
  plan: Partial<ProcessPlan> = {},
  writeLog = log,
): Supervisor {
  supervisor = new Supervisor({
    plans: Object.entries(roles).map(([role, behaviour]) => ({
      role: role as Role,
      program: new URL('./program.ts', import.meta.url),
      execArgv: ['--import', 'tsx', '--conditions=source'],
      args: [behaviour],
      env: process.env,
      ...plan,
    })),
    log: writeLog,
    register: openRegister(dataDir, log),
    patience,
  })
  return supervisor
}
const state = (role: Role) => supervisor!.states().find((one) => one.role === role)!
const recorded = () =>
  readdirSync(join(dataDir, 'processes')).map((file) =>
    JSON.parse(readFileSync(join(dataDir, 'processes', file), 'utf8')),
  )

describe('a supervisor', () => {
  it('starts every role, knows them, and ends all of them', async () => {
    const running = supervise({ api: 'beats', worker: 'beats' })
    await running.started()
    expect(running.states().map(({ role, state, replaced }) => [role, state, replaced])).toEqual([
      ['api', 'running', 0],
      ['worker', 'running', 0],
    ])
    const pids = running.states().map(({ pid }) => pid!)
    expect(recorded()).toEqual([
      expect.objectContaining({ processes: pids.map((pid) => expect.objectContaining({ pid })) }),
    ])
    await running.stop()
    expect(pids.map(isAlive)).toEqual([false, false])
    expect(recorded()).toEqual([])
  })

  it('ends the others and says the exit code when a role can not start the first time', async () => {
    const running = supervise({ api: 'beats', worker: 'exits-with:2' })
    await expect(running.started()).rejects.toThrow(StartFailed)
    await expect(running.started()).rejects.toMatchObject({ exitCode: 2 })
    expect(running.states().every(({ pid }) => pid === null)).toBe(true)
  })

  it('replaces what is killed before it was ready: nobody has told why', async () => {
    const running = supervise({ api: 'beats', worker: `killed-at-start:${join(dataDir, 'starts')}` })
    await running.started()
    expect(state('worker')).toMatchObject({ replaced: 2, lastReason: 'it was ended by SIGKILL' })
    expect(state('api').replaced).toBe(0)
  })

  it('replaces a process whose event loop hangs, says why, and leaves the other alone', async () => {
    const running = supervise(
      { api: 'beats', worker: `hangs-once:${join(dataDir, 'starts')}` },
      { silentMs: 3_000 },
    )
    await running.started()
    const before = { api: state('api').pid, worker: state('worker').pid }
    await until(() => state('worker').replaced === 1 && state('worker').state === 'running')
    expect(state('worker').pid).not.toBe(before.worker)
    expect(isAlive(before.worker!)).toBe(false)
    expect(state('worker').lastReason).toMatch(/its event loop was silent for \d+ s/)
    expect(state('api')).toMatchObject({ pid: before.api, replaced: 0 })
  })

  it('replaces a process that was killed or stopped from outside', async () => {
    const running = supervise({ api: 'beats', worker: 'beats' }, { silentMs: 3_000 })
    await running.started()
    process.kill(state('api').pid!, 'SIGKILL')
    await until(() => state('api').replaced === 1 && state('api').state === 'running')
    expect(state('api').lastReason).toBe('it was ended by SIGKILL')
    process.kill(state('worker').pid!, 'SIGSTOP')
    await until(() => state('worker').replaced === 1 && state('worker').state === 'running')
    expect(state('worker').lastReason).toMatch(/silent/)
  })

  it('ends what does not stop', async () => {
    const running = supervise({ worker: 'deaf' }, { stopMs: 1_000 })
    await running.started()
    const { pid } = state('worker')
    await running.stop()
    expect(isAlive(pid!)).toBe(false)
  })

  it('pauses for two seconds at most before it replaces a process that crashes again and again', async () => {
    const pauses: number[] = []
    const lines = { write: (line: string) => void pauses.push(JSON.parse(line).startsInMs) }
    const running = supervise({ worker: 'crashes' }, {}, {}, pino({ level: 'error' }, lines))
    await running.started()
    await until(() => pauses.length === 5)
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 2_000])
  })

  it.each([
    ['is not there', () => ({ execPath: join(dataDir, 'no-such-node') })],
    // Longer than any system takes: `fork` itself throws.
    ['is refused', () => ({ env: { ...process.env, TOO_LONG: 'x'.repeat(3_000_000) } })],
  ])('says that a role can not start whose program %s', async (_, plan) => {
    const running = supervise({ api: 'beats', worker: 'beats' }, {}, plan())
    await expect(running.started()).rejects.toMatchObject({ name: 'StartFailed', exitCode: 1 })
  })

  it('tries again while a process can not be started, and stops meanwhile', async () => {
    const execPath = join(dataDir, 'node')
    symlinkSync(process.execPath, execPath)
    const running = supervise({ worker: 'beats' }, {}, { execPath })
    await running.started()
    rmSync(execPath)
    process.kill(state('worker').pid!, 'SIGKILL')
    await until(() => state('worker').replaced === 3 && state('worker').notRunningMs > 0)
    expect(state('worker').lastReason).toMatch(/^it could not be started: .*ENOENT/)
    symlinkSync(process.execPath, execPath)
    await until(() => state('worker').state === 'running')
    expect(state('worker').notRunningMs).toBe(0)
    rmSync(execPath)
    process.kill(state('worker').pid!, 'SIGKILL')
    await until(() => state('worker').pid === null)
    await running.stop()
  })

  it('replaces and ends processes also where their record can not be written', async () => {
    const running = supervise({ worker: 'beats' })
    await running.started()
    rmSync(join(dataDir, 'processes'), { recursive: true })
    writeFileSync(join(dataDir, 'processes'), 'a file in the way')
    process.kill(state('worker').pid!, 'SIGKILL')
    await until(() => state('worker').replaced === 1 && state('worker').state === 'running')
    const { pid } = state('worker')
    await running.stop()
    expect(isAlive(pid!)).toBe(false)
  })

  it('writes its record again when the folder went', async () => {
    const running = supervise({ worker: 'beats' })
    await running.started()
    rmSync(join(dataDir, 'processes'), { recursive: true })
    process.kill(state('worker').pid!, 'SIGKILL')
    await until(() => state('worker').replaced === 1 && state('worker').state === 'running')
    expect(recorded()).toEqual([
      expect.objectContaining({ processes: [expect.objectContaining({ pid: state('worker').pid })] }),
    ])
  })
})

describe('processes of a supervisor that was killed', () => {
  const sleeper = () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  const record = (supervisor: object, processes: object[]) => {
    openRegister(dataDir, log).write([])
    writeFileSync(join(dataDir, 'processes', 'left.json'), JSON.stringify({ supervisor, processes }))
  }
  const gone = { pid: 2 ** 22 - 1, started: 'never' }

  it('are ended by the next one, and nothing else is', async () => {
    const [left, other] = [sleeper(), sleeper()]
    const ended = once(left, 'exit')
    record(gone, [
      { pid: left.pid, started: startOf(left.pid!) },
      // The same id, but another process than the one that was recorded.
      { pid: other.pid, started: 'earlier' },
    ])
    endLeftovers(dataDir, log)
    await ended
    expect(isAlive(other.pid!)).toBe(true)
    other.kill()
    expect(existsSync(join(dataDir, 'processes', 'left.json'))).toBe(false)
  })

  it('are left alone while their supervisor lives', () => {
    const child = sleeper()
    record({ pid: process.pid, started: startOf(process.pid) }, [
      { pid: child.pid, started: startOf(child.pid!) },
    ])
    endLeftovers(dataDir, log)
    expect(isAlive(child.pid!)).toBe(true)
    child.kill()
    expect(existsSync(join(dataDir, 'processes', 'left.json'))).toBe(true)
  })

  it.each([
    ['half', '{"processes":[{"pid":'],
    ['nothing', ''],
    ['empty', '{}'],
    ['null', 'null'],
    ['a list', '[1]'],
    ['no supervisor', '{"supervisor":null,"processes":[]}'],
    ['processes of another type', `{"supervisor":${JSON.stringify(gone)},"processes":"7"}`],
    [
      'ids that are none',
      `{"supervisor":${JSON.stringify(gone)},"processes":[null,{"pid":-1,"started":""}]}`,
    ],
    ['an id as text', `{"supervisor":${JSON.stringify(gone)},"processes":[{"pid":"1","started":1}]}`],
  ])('a record that is damaged (%s) ends nothing and goes', (_, text) => {
    openRegister(dataDir, log).write([])
    writeFileSync(join(dataDir, 'processes', 'broken.json'), text)
    endLeftovers(dataDir, log)
    expect(existsSync(join(dataDir, 'processes', 'broken.json'))).toBe(false)
  })

  it('a folder among the records goes', () => {
    mkdirSync(join(dataDir, 'processes', 'odd.json', 'inner'), { recursive: true })
    endLeftovers(dataDir, log)
    expect(existsSync(join(dataDir, 'processes', 'odd.json'))).toBe(false)
  })
})

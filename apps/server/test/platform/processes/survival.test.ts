import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { childrenOf, type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { until } from '../../../../../testing/until.ts'
import { isAlive } from '../../../src/platform/db/embedded/process-identity.ts'

let server: ServerProcess
let project: string
let key: string
beforeAll(async () => {
  server = await startServerProcess()
  const made = JSON.parse(await server.cli('project', 'create', 'Shop', '--json'))
  project = `${server.url}/api/v1/projects/${made.project.id}`
  key = made.secretKey
  trackingKey = made.trackingKey
})
afterAll(() => server.dispose())
let trackingKey: string

const track = (id: string) =>
  fetch(`${server.url}/api/v2/events/track`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth_token: trackingKey, identity: { id }, event_name: 'Seen' }),
  }).then((reply) => reply.status)

interface Process {
  role: string
  state: string
  replaced: number
}
const processes = async () =>
  ((await fetch(`${server.url}/healthz`).then((reply) => reply.json())) as { processes?: Process[] })
    .processes ?? []
const one = async (role: string) => (await processes()).find((each) => each.role === role)
const isProcessed = (id: string) =>
  fetch(`${project}/people/id:${id}`, { headers: { authorization: `Bearer ${key}` } }).then(({ ok }) => ok)
/** The first is the api: it is started first. */
const pids = () => childrenOf(server.pid)

describe('a server whose processes hang or die', () => {
  it('accepts while its worker hangs, replaces it, and does the work then', async () => {
    expect(await track('before')).toBe(200)
    await until(() => isProcessed('before'))
    process.kill(pids()[1]!, 'SIGSTOP')
    for (let n = 0; n < 20; n++) expect(await track(`meanwhile-${n}`)).toBe(200)
    await until(
      async () => (await one('worker'))?.replaced === 1 && (await one('worker'))?.state === 'running',
    )
    for (let n = 0; n < 20; n++) await until(() => isProcessed(`meanwhile-${n}`))
    const metrics = await fetch(`${server.url}/metrics`).then((reply) => reply.text())
    expect(metrics).toMatch(/fairway_process_replaced\{role="worker"\} 1/)
    expect(server.stderr).toContain('killing the worker process: its event loop was silent')
  })

  it('replaces an api that hangs, while the worker goes on', async () => {
    const [api, worker] = pids()
    process.kill(api!, 'SIGSTOP')
    await until(() => !isAlive(api!))
    await until(async () => (await track('after').catch(() => 0)) === 200)
    expect(pids()).toContain(worker)
    await until(() => isProcessed('after'))
  })

  it('shows what its worker did in its own metrics, and how long jobs waited', async () => {
    await until(async () =>
      /fairway_jobs_total\{lane="ingest",job="item",outcome="done"\} \d/.test(
        await fetch(`${server.url}/metrics`).then((reply) => reply.text()),
      ),
    )
    const queue = await fetch(`${project}/queue`, { headers: { authorization: `Bearer ${key}` } })
    expect(await queue.json()).toMatchObject({
      worker: { state: 'running', replaced: 1 },
      api: { replaced: 1 },
    })
  })

  it('leaves nothing behind when it is killed, not even a process that hangs', async () => {
    const [api, worker] = pids()
    process.kill(worker!, 'SIGSTOP')
    // Only the supervisor: the api sees it go, the worker can't.
    process.kill(server.pid, 'SIGKILL')
    await until(() => !isAlive(api!))
    expect(isAlive(worker!)).toBe(true)
    await server.restart()
    expect(isAlive(worker!)).toBe(false)
    expect(server.stderr).toContain('ending a process that an earlier Fairway left behind')
    expect(await track('again')).toBe(200)
    await until(() => isProcessed('again'))
  })
})

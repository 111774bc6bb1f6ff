import { Discard, type JobInput, type Json } from '@fairway/queue'
import { expect, vi } from 'vitest'
import type { TestServer } from '../../../../../testing/server.ts'

export interface Caller {
  id: number
  secretKey: string
}

/** A request as a project's own client sends it. */
export async function callAs(
  server: TestServer,
  { id, secretKey }: Caller,
  method: string,
  path: string,
  body?: unknown,
) {
  const reply = await fetch(`${server.url}/api/v1/projects/${id}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${secretKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  return {
    status: reply.status,
    type: reply.headers.get('content-type'),
    json: JSON.parse(await reply.text()),
  }
}

/** Jobs of these names that a real worker gives up, one after the other, each with its data as the reason. */
export async function bury(
  server: TestServer,
  jobs: (Omit<JobInput<Json>, 'tenant'> & { project: number })[],
) {
  const { queue } = server.app
  const lanes = Object.fromEntries(jobs.map(({ lane }) => [lane, {}]))
  const handler = ({ data }: { data: unknown }) => {
    throw new Discard(String(data))
  }
  const worker = queue.worker(Object.fromEntries(jobs.map(({ name }) => [name, handler])), {
    lanes,
    concurrency: 1,
  })
  for (const { project, ...job } of jobs) {
    const tenant = String(project)
    const { id } = await queue.add({ ...job, tenant })
    const find = async () => {
      const letters = await queue.deadLetters({ tenant })
      expect(letters.map((letter) => letter.id)).toContain(id)
    }
    // Not expect.poll, which works in tests only.
    await vi.waitFor(find, { timeout: 20_000, interval: 50 })
  }
  await worker.close()
}

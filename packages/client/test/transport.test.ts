import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { Fairway, type FairwayError, type FairwayOptions, NoAnswerError } from '../src/index.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A client of a server that answers so, one after the other, the last again and again. */
async function fairwayOf(answers: Answer[], options: Partial<FairwayOptions> = {}) {
  const requests: { line: string; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    requests.push({ line: `${request.method} ${request.url}`, headers: request.headers, body })
    answers[Math.min(requests.length, answers.length) - 1]!(request, response)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const waits: number[] = []
  const fairway = new Fairway({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    project: 7,
    secretKey: 'fw_secret_1',
    wait: async (ms) => {
      waits.push(ms)
    },
    ...options,
  })
  return { fairway, requests, waits }
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body))
const hangUp: Answer = (request) => void request.socket.destroy()
const never: Answer = () => {}
const busy = json(
  503,
  { status: 503, code: 'unavailable', detail: 'The database is away' },
  { 'retry-after': '3' },
)
const delivery = json(200, { delivery_id: 'a', queued_at: 1 })
const mail = { to: 'a@example.com', from: 'b@example.com', subject: 'Hi', html: '<p>' }

it('asks again after what Retry-After says, with the same idempotency key', async () => {
  const { fairway, requests, waits } = await fairwayOf([
    busy,
    json(429, {}, { 'retry-after': '1' }),
    delivery,
  ])
  expect(await fairway.messages.sendEmail(mail)).toEqual({ id: 'a', queuedAt: new Date(1_000) })
  expect(waits).toEqual([3_000, 1_000])
  expect(new Set(requests.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  expect(new Set(requests.map(({ body }) => body)).size).toBe(1)
})

it('waits longer each time where the server does not say', async () => {
  const { fairway, waits } = await fairwayOf([json(503, {})])
  await expect(fairway.people.get('1')).rejects.toMatchObject({ status: 503 })
  expect(waits).toHaveLength(4)
  for (const [index, ms] of waits.entries()) {
    expect(ms).toBeGreaterThanOrEqual(250 * 2 ** index)
    expect(ms).toBeLessThanOrEqual(500 * 2 ** index)
  }
})

it('gives up when it should wait for too long, and tells how long', async () => {
  const { fairway, waits } = await fairwayOf([json(429, {}, { 'retry-after': '61' })])
  await expect(fairway.people.get('1')).rejects.toMatchObject({ status: 429, retryAfterMs: 61_000 })
  expect(waits).toEqual([])
})

it('sends again what got no answer, if that does no harm', async () => {
  const { fairway, requests } = await fairwayOf([hangUp, json(200, { success: true })])
  await fairway.events.track({ person: '1', event: 'Bought' })
  const [first, second] = requests.map(({ body }) => JSON.parse(body))
  expect(first).toMatchObject({ userId: '1', event: 'Bought', messageId: expect.any(String) })
  expect(second).toEqual(first)
})

it('does not send again what may have been done and would be done twice', async () => {
  for (const answer of [hangUp, json(502, {})]) {
    const { fairway, requests } = await fairwayOf([answer])
    await expect(fairway.segments.create({ name: 'A', manual: true })).rejects.toThrow()
    expect(requests).toHaveLength(1)
  }
})

it('waits for an answer as long as it was told', async () => {
  const { fairway, requests } = await fairwayOf([never], { timeoutMs: 20, maxTries: 2 })
  const error = await fairway.people.get('1').catch((error: unknown) => error)
  expect(error).toBeInstanceOf(NoAnswerError)
  expect((error as NoAnswerError).cause).toMatchObject({ name: 'TimeoutError' })
  expect(requests).toHaveLength(2)
})

it('tells what was refused, in whichever shape', async () => {
  const problem = {
    status: 409,
    code: 'conflict',
    detail: 'It is used',
    requestId: 'r-1',
    usedBy: [{ id: 1 }],
  }
  const { fairway } = await fairwayOf([
    json(409, problem),
    json(400, { meta: { error: 'to is missing', code: 'bad_request', field: 'to' } }),
    (_request, response) => void response.writeHead(500).end('<h1>Oh no'),
  ])
  const caught = async (work: Promise<unknown>) =>
    (await work.catch((error: unknown) => error)) as FairwayError
  expect(await caught(fairway.segments.delete(1))).toMatchObject({
    message: 'It is used',
    status: 409,
    code: 'conflict',
    requestId: 'r-1',
    problem,
  })
  expect(await caught(fairway.messages.sendEmail(mail))).toMatchObject({
    message: 'to is missing',
    code: 'bad_request',
    field: 'to',
  })
  expect(await caught(fairway.campaigns.delete(1))).toMatchObject({ status: 500, message: '<h1>Oh no' })
})

it('escapes what goes into an address', async () => {
  const { fairway, requests } = await fairwayOf([json(200, {})])
  await fairway.people.get('a/b?c')
  expect(requests[0]).toMatchObject({
    line: 'GET /api/v1/projects/7/people/id%3Aa%2Fb%3Fc',
    headers: { authorization: 'Bearer fw_secret_1' },
  })
})

it.each([
  [{ url: 'fairway.example.com' }, /^url must be/],
  [{ url: undefined }, /^url must be/],
  [{ project: Number.NaN }, /^project must be a whole number/],
  [{ project: '7' }, /^project must be a whole number/],
  [{ secretKey: 'undefined' }, /^secretKey must be/],
  [{ secretKey: 'fw_secret_1\r\nx: y' }, /^secretKey must be/],
  [{ timeoutMs: Number.POSITIVE_INFINITY }, /^timeoutMs must be/],
  [{ maxTries: 0 }, /^maxTries must be/],
  [{ maxWaitMs: -1 }, /^maxWaitMs must be/],
])('refuses %o before anything is sent', (options, message) => {
  const good = { url: 'http://127.0.0.1:1', project: 7, secretKey: 'fw_secret_1' }
  expect(() => new Fairway({ ...good, ...options } as FairwayOptions)).toThrow(message)
})

it('an option that is left undefined has its default', async () => {
  const { fairway } = await fairwayOf([json(200, { items: [], nextCursor: null })], {
    timeoutMs: undefined,
    maxTries: undefined,
  })
  expect(await fairway.campaigns.list().page()).toEqual({ items: [], nextCursor: null })
})

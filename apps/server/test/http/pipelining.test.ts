import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { boundPipelines, maxUnanswered } from '../../src/platform/http/pipelining.ts'

const server = Fastify()
let port: number
let begun = 0
const waiting: (() => void)[] = []

beforeAll(async () => {
  boundPipelines(server)
  server.get('/', async () => {
    begun++
    await new Promise<void>((resolve) => waiting.push(resolve))
    return 'ok'
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  port = (server.server.address() as { port: number }).port
})
afterAll(() => server.close())

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

it('takes as many requests on a connection as may wait, again and again', async () => {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk))
  for (let round = 1; round <= 3; round++) {
    socket.write(get.repeat(maxUnanswered))
    await until(() => waiting.length === maxUnanswered)
    for (const answer of waiting.splice(0)) answer()
    await until(() => text.split('200 OK').length - 1 === round * maxUnanswered)
  }
  socket.destroy()
})

it('closes a connection with more of them, and begins none beyond', async () => {
  begun = 0
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write(get.repeat(1_000))
  await once(socket, 'close')
  expect(begun).toBe(maxUnanswered)
  for (const answer of waiting.splice(0)) answer()
})

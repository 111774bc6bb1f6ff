import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What goes wrong with a request. */
export type Fault =
  /** Refused, as when a partition is too hot. */
  | 'throttle'
  /** Of a batch only the half is done. */
  | 'half'
  /** Done, but the answer is lost. */
  | 'lost'
  | 'broken'
  | 'error'

export interface FaultyProxy {
  endpoint: string
  /** Chooses what goes wrong with a request: its operation (`PutItem`) and its body. */
  fail: (operation: string, body: string) => Fault | undefined
  close(): Promise<void>
}

const throttled = {
  __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
  message: 'too hot',
}

/** An HTTP proxy in front of DynamoDB Local that makes requests fail as those of the real service do now and then. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target)
  const proxy: FaultyProxy = { endpoint: '', fail: () => undefined, close: async () => {} }
  const server = createServer(async (incoming, outgoing) => {
    const body = await textOf(incoming)
    const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? ''
    const fault = proxy.fail(operation, body)
    if (fault === 'throttle') return answer(outgoing, 400, JSON.stringify(throttled))
    if (fault === 'error') return answer(outgoing, 500, '{"__type":"InternalServerError","message":"broken"}')
    if (fault === 'broken') return void incoming.socket.destroy()
    const { sent, left } = fault === 'half' ? halved(operation, body) : { sent: body, left: undefined }
    const { status, text } = await forward(incoming, sent)
    if (fault === 'lost') return void incoming.socket.destroy()
    if (left === undefined || status !== 200) return answer(outgoing, status, text)
    const name = operation === 'BatchWriteItem' ? 'UnprocessedItems' : 'UnprocessedKeys'
    return answer(outgoing, 200, JSON.stringify({ ...JSON.parse(text), [name]: left }))
  })

  function forward(incoming: IncomingMessage, body: string): Promise<{ status: number; text: string }> {
    return new Promise((done, fail) => {
      const headers = { ...incoming.headers, 'content-length': Buffer.byteLength(body) }
      const forwarded = request({ hostname, port, method: 'POST', path: '/', headers }, (response) => {
        textOf(response).then((text) => done({ status: response.statusCode!, text }), fail)
      })
      forwarded.on('error', fail)
      forwarded.end(body)
    })
  }

  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  proxy.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  proxy.close = () =>
    new Promise((closed) => {
      server.close(() => closed())
      server.closeAllConnections()
    })
  return proxy
}

/** The first half of a batch, and what is left of it in the form in which DynamoDB gives it back. */
function halved(operation: string, body: string): { sent: string; left: unknown } {
  const input = JSON.parse(body)
  const [[table, wanted]] = Object.entries(input.RequestItems ?? { '': [] }) as [[string, unknown]]
  if (operation === 'BatchWriteItem') {
    const items = wanted as unknown[]
    if (items.length < 2) return { sent: body, left: undefined }
    const middle = items.length >> 1
    return {
      sent: JSON.stringify({ ...input, RequestItems: { [table]: items.slice(0, middle) } }),
      left: { [table]: items.slice(middle) },
    }
  }
  if (operation === 'BatchGetItem') {
    const keys = wanted as { Keys: unknown[] }
    if (keys.Keys.length < 2) return { sent: body, left: undefined }
    const middle = keys.Keys.length >> 1
    const part = (some: unknown[]) => ({ [table]: { ...keys, Keys: some } })
    return {
      sent: JSON.stringify({ ...input, RequestItems: part(keys.Keys.slice(0, middle)) }),
      left: part(keys.Keys.slice(middle)),
    }
  }
  return { sent: body, left: undefined }
}

async function textOf(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function answer(outgoing: ServerResponse, status: number, text: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
  outgoing.end(text)
}

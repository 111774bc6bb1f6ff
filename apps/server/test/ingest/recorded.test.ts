import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type IntakeServer, startIntakeServer } from './helpers.ts'

const folder = new URL('./recorded/', import.meta.url)
const files = readdirSync(folder).filter((file) => file.endsWith('.http'))

interface Recorded {
  what: string
  kinds: string[]
  method: string
  path: string
  headers: Record<string, string>
  body: string
}

let server: IntakeServer
beforeAll(async () => {
  server = await startIntakeServer()
})
afterAll(() => server?.close())

describe.each(files)('%s', (file) => {
  it.each(readRecorded(file))('$what', async (recorded) => {
    expect(await send(recorded)).toMatchObject({ status: 200 })
    const items = await server.take(recorded.kinds.length)
    expect(items.map(({ kind }) => kind)).toEqual(recorded.kinds)
    expect(await server.settled()).toEqual([])
  })

  it('is refused once, for good, in words that it reads', async () => {
    for (const recorded of readRecorded(file)) {
      const { status, body } = await send(recorded, 'a-key-that-nobody-has')
      expect(status, recorded.what).toBe(401)
      const reply = JSON.parse(body)
      if (recorded.path.startsWith('/v1/'))
        expect(reply).toMatchObject({
          code: 'unauthorized',
          message: expect.any(String),
          error: expect.any(String),
        })
      else expect(reply.message ?? reply.meta.error).toEqual(expect.any(String))
    }
  })
})

function readRecorded(file: string): Recorded[] {
  const parts = readFileSync(new URL(file, folder), 'utf8').split(/^### /m)
  return parts.filter((part) => part.trim() !== '').map(parse)
}

function parse(part: string): Recorded {
  const [title = '', ...lines] = part.trimEnd().split('\n')
  const [what = '', kinds = ''] = title.split(' → ')
  const [method = '', path = ''] = lines[0]!.split(' ')
  const blank = lines.indexOf('')
  const head = lines.slice(1, blank === -1 ? undefined : blank)
  const headers = Object.fromEntries(
    head.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const body = blank === -1 ? '' : lines.slice(blank + 1).join('\n')
  return { what, kinds: kinds.split(', '), method, path, headers, body }
}

function send({ method, path, headers, body }: Recorded, key = server.trackingKey) {
  const fill = (text: string) =>
    text
      .replaceAll('{{basic write}}', basic(key).authorization)
      .replaceAll('{{basic site}}', basic(String(server.projectId), key).authorization)
      .replaceAll('{{key}}', key)
  const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]))
  const plain = Buffer.from(fill(body))
  const bytes = headers['Content-Encoding'] === 'gzip' ? gzipSync(plain) : plain
  const chunked = headers['Transfer-Encoding'] === 'chunked'
  return new Promise<{ status: number | undefined; body: string }>((done, fail) => {
    const { hostname, port } = new URL(server.url)
    const sent = httpRequest(
      {
        hostname,
        port,
        method,
        path,
        headers: chunked ? filled : { ...filled, 'Content-Length': bytes.length },
      },
      (response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => done({ status: response.statusCode, body: text }))
      },
    )
    sent.on('error', fail)
    for (let at = 0; at < bytes.length; at += 100) sent.write(bytes.subarray(at, at + 100))
    sent.end()
  })
}

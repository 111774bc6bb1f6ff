import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Project {
  id: string
  trackingKey: string
  secretKey: string
}

export interface Reply {
  /** 0 when the connection ended without one. */
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says
  json(): any
}

interface Sent {
  body?: unknown
  headers?: Record<string, string>
}

/** What is kept of a reply's body. */
const maxKept = 1 << 20

/** A client that may send anything, and notes what it is told. Speaks to loopback addresses only. */
export class Tenant {
  readonly url: URL
  readonly project: Project
  readonly replies: Reply[] = []
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #signal: AbortSignal
  readonly #create: ((name: string) => Promise<Project>) | undefined
  readonly #others: Tenant[] = []

  constructor(
    url: string,
    project: Project,
    signal: AbortSignal,
    create?: (name: string) => Promise<Project>,
  ) {
    this.#create = create
    this.url = new URL(url)
    this.project = project
    this.#signal = signal
  }

  /** A client of a project of its own, which the same somebody has. Its replies are noted with these. */
  async another(name: string): Promise<Tenant> {
    if (!this.#create) throw new Error('a server that was not started here makes no projects')
    const other = new Tenant(this.url.href, await this.#create(name), this.#signal)
    this.#others.push(other)
    return other
  }

  /** The path goes out as it is written: no part of it is made normal. */
  async send(method: string, path: string, { body, headers = {} }: Sent = {}): Promise<Reply> {
    const raw = body === undefined || body instanceof Uint8Array || typeof body === 'string'
    const content = raw ? (body as string | Uint8Array | undefined) : JSON.stringify(body)
    const reply = await new Promise<Reply>((resolve, reject) => {
      const sending = request(
        {
          host: this.url.hostname,
          port: this.url.port,
          agent: this.#agent,
          signal: this.#signal,
          method,
          path,
          headers: {
            ...(content !== undefined && { 'content-type': 'application/json' }),
            ...(content !== undefined && { 'content-length': String(Buffer.byteLength(content)) }),
            ...headers,
          },
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => text.length < maxKept && (text += chunk))
          response.on('end', () => resolve(toReply(response.statusCode!, response.headers, text)))
          response.on('error', () => resolve(toReply(0, {}, '')))
        },
      )
      sending.on('error', (error) => (this.#signal.aborted ? reject(error) : resolve(toReply(0, {}, ''))))
      sending.end(content)
    })
    this.replies.push(reply)
    return reply
  }

  rest(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    return this.send(method, `/api/v1/projects/${this.project.id}${path}`, {
      body,
      headers: { authorization: `Bearer ${this.project.secretKey}`, ...headers },
    })
  }

  /** The Track API. */
  track(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    return this.send('POST', `/api/v2/${path}?tracking_api_key=${this.project.trackingKey}`, {
      body,
      headers,
    })
  }

  /** The Segment spec. */
  batch(batch: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const authorization = `Basic ${Buffer.from(`${this.project.trackingKey}:`).toString('base64')}`
    return this.send('POST', '/v1/batch', { body: { batch }, headers: { authorization, ...headers } })
  }

  /** Hands in a mail, and waits for nothing. */
  accept(fields: Record<string, unknown>): Promise<Reply> {
    return this.send('POST', '/v1/send/email', {
      headers: { authorization: `Bearer ${this.project.secretKey}` },
      body: {
        to: 'ann@example.com',
        from: 'shop@example.com',
        subject: 'Hello',
        body: '<p>Hello</p>',
        ...fields,
      },
    })
  }

  /** Sends a mail, and waits until it is sent, failed or skipped. */
  async mail(fields: Record<string, unknown>): Promise<{ id: string; state: string }> {
    const reply = await this.accept(fields)
    if (reply.status !== 200) return { id: '', state: 'refused' }
    const id = reply.json().delivery_id as string
    const state = await this.until(async () => {
      const { status, ...message } = await this.rest('GET', `/messages/${id}`)
      const found = status === 200 ? (message.json().state as string) : undefined
      return ['pending', 'claimed', undefined].includes(found) ? undefined : found
    })
    return { id, state }
  }

  /** Bytes on a connection of their own, and what comes back before it ends, or before `ms` have passed. */
  async raw(parts: (string | Uint8Array)[], { pauseMs = 0, ms = 5_000 } = {}): Promise<string> {
    const socket = connect({ host: this.url.hostname, port: Number(this.url.port) })
    const end = () => socket.destroy()
    this.#signal.addEventListener('abort', end)
    const timer = setTimeout(end, ms)
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk) => text.length < maxKept && (text += chunk))
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()).on('error', () => {}))
    for (const part of parts) {
      if (socket.destroyed) break
      socket.write(part)
      if (pauseMs) await sleep(pauseMs)
    }
    await closed
    clearTimeout(timer)
    this.#signal.removeEventListener('abort', end)
    for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g))
      this.replies.push(toReply(Number(status), { 'retry-after': 'unread' }, ''))
    return text
  }

  /** @throws when the input's time is over before `look` finds anything */
  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      await sleep(100, undefined, { signal: this.#signal })
    }
  }

  close(): void {
    for (const other of this.#others) {
      other.close()
      this.replies.push(...other.replies)
    }
    this.#agent.destroy()
  }
}

const toReply = (status: number, headers: Reply['headers'], text: string): Reply => ({
  status,
  headers,
  text,
  json: () => JSON.parse(text),
})

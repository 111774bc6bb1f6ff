import type { DemoProject } from './server.ts'

/** One project's view of the public APIs. Counts what the server accepted. */
export class Client {
  readonly project: DemoProject
  readonly #url: string
  accepted = 0
  refused = 0

  constructor(url: string, project: DemoProject) {
    this.#url = url
    this.project = project
  }

  /** Vero's Track API. */
  identify(id: string, email: string, data: Record<string, unknown>) {
    return this.#track('users/track', { id, email, data })
  }

  event(id: string, name: string, data: Record<string, unknown>) {
    return this.#track('events/track', { identity: { id }, event_name: name, data })
  }

  /** Segment's batch. */
  async batch(batch: Record<string, unknown>[]): Promise<void> {
    const authorization = `Basic ${Buffer.from(`${this.project.trackingKey}:`).toString('base64')}`
    await this.#post('/v1/batch', { batch }, { authorization }, batch.length)
  }

  /** Customer.io's transactional mail. */
  async sendEmail(message: Record<string, unknown>): Promise<void> {
    await this.#post('/v1/send/email', message, this.#secret, 1)
  }

  async rest<T>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/projects/${this.project.id}${path}`, {
      method,
      headers: { ...this.#secret, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  get #secret() {
    return { authorization: `Bearer ${this.project.secretKey}` }
  }

  async #track(path: string, body: unknown): Promise<void> {
    await this.#post(`/api/v2/${path}?tracking_api_key=${this.project.trackingKey}`, body, {}, 1)
  }

  async #post(path: string, body: unknown, headers: Record<string, string>, items: number): Promise<void> {
    const response = await fetch(this.#url + path, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    await response.arrayBuffer()
    if (response.ok) this.accepted += items
    else {
      this.refused += items
      const retryAfter = Number(response.headers.get('retry-after') ?? 1)
      await new Promise((resolve) => setTimeout(resolve, retryAfter * 1_000))
    }
  }
}

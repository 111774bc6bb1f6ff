import type { FastifyReply, FastifyRequest } from 'fastify'

const heartbeatMs = 15_000
/** Then the browser connects again by itself. */
const maxMs = 600_000
/** A reader that is so far behind sees a sample: what comes meanwhile is left out. */
const maxBufferedBytes = 1024 * 1024
/** For a reader that does not take the end of the reply, either. */
const graceMs = 5_000

export interface EventStream {
  /** @param data as JSON */
  send(event: string, data: string): void
  /** Ends the reply; a browser connects again after its `retry`. */
  close(): void
}

/**
 * Answers with server-sent events. One whose bytes wait at two heartbeats in a row has a reader that is gone or stuck, and is
 * cut off. `onClose` runs once, whoever ended it.
 */
export function openEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  onClose: () => void,
  { everyMs = heartbeatMs }: { everyMs?: number } = {},
): EventStream {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    // nginx would hold events back otherwise.
    'x-accel-buffering': 'no',
  })
  raw.write('retry: 2000\n\n')

  const close = () => {
    raw.end()
    setTimeout(() => raw.destroy(), graceMs).unref()
  }
  let wasBehind = false
  const heartbeat = setInterval(() => {
    const isBehind = raw.writableLength > 0
    if (isBehind && wasBehind) return void raw.destroy()
    wasBehind = isBehind
    raw.write(': still here\n\n')
  }, everyMs)
  const end = setTimeout(close, maxMs)
  request.raw.socket.setNoDelay(true)
  raw.on('close', () => {
    clearInterval(heartbeat)
    clearTimeout(end)
    onClose()
  })
  raw.on('error', () => raw.destroy())

  return {
    send(event, data) {
      if (raw.writableEnded || raw.destroyed || raw.writableLength > maxBufferedBytes) return
      raw.write(`event: ${event}\ndata: ${data}\n\n`)
    },
    close,
  }
}

import type { FastifyReply, FastifyRequest } from 'fastify'

const heartbeatMs = 15_000
/** Then the browser connects again by itself, and shows that it may still look. */
const longestMs = 600_000
/** A reader that is so far behind is cut off; it connects again and gets the latest. */
const mostBufferedBytes = 1024 * 1024

export interface EventStream {
  send(event: string, data: unknown): void
  /** Ends the reply; a browser connects again after its `retry`. */
  close(): void
}

/** Answers with server-sent events. `onClose` runs once, whoever ended it. */
export function openEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  onClose: () => void,
): EventStream {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx would hold events back otherwise.
    'x-accel-buffering': 'no',
  })
  raw.write('retry: 2000\n\n')

  const close = () => raw.end()
  const heartbeat = setInterval(() => raw.write(': still here\n\n'), heartbeatMs)
  const end = setTimeout(close, longestMs)
  request.raw.socket.setNoDelay(true)
  raw.on('close', () => {
    clearInterval(heartbeat)
    clearTimeout(end)
    onClose()
  })
  raw.on('error', () => raw.destroy())

  return {
    send(event, data) {
      if (raw.writableEnded || raw.destroyed) return
      if (raw.writableLength > mostBufferedBytes) return void raw.destroy()
      raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    },
    close,
  }
}

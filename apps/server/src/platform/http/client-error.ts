import type { Socket } from 'node:net'
import { headerLines } from './response-headers.ts'

/** [status line, what to tell] for the parser's refusals that have a status of their own. */
const known: Record<string, [status: string, detail: string]> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
}

/** One of Vero's clients counts characters: the rest of its body then looks like a second request that is none. */
const malformed: [status: string, detail: string] = [
  '400 Bad Request',
  'What arrived is not an HTTP request. If a body came before it, check that its Content-Length counts bytes, not characters.',
]

/** Answers what the HTTP parser could not read. There is no request yet, so no route and no error handler of ours. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) {
    const [status, detail] = known[error.code ?? ''] ?? malformed
    const code = Number(status.slice(0, 3))
    // `message` and `error` for the clients of other vendors, the rest as every other problem document.
    const body = JSON.stringify({
      title: status.slice(4),
      status: code,
      detail,
      message: detail,
      error: detail,
      code: 'bad_request',
    })
    const head = `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}`
    socket.write(`HTTP/1.1 ${status}\r\n${headerLines('data')}${head}\r\nconnection: close\r\n\r\n${body}`)
  }
  socket.destroy(error)
}

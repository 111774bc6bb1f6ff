import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { getGuarded, isInternalHost } from '../../platform/net/connections.ts'
import { TaskFailed } from '../../platform/tasks/kind.ts'
import { importLimits } from './format.ts'

const maxRedirects = 5
/** Without a byte from the other side. */
const silenceMs = 60_000
/** Until it answers, however many bytes of its answer trickle in. */
const answerMs = 60_000
/** For the whole file: five gigabytes at 0.35 MB/s. */
const maxMs = 4 * 3_600_000

/**
 * The body of a file at an address that a project's member typed in. Every address on the way is checked when it is
 * connected to, so that neither a redirect nor a name leads into our own network.
 *
 * @throws {TaskFailed} when the address can't serve the file; other errors may go away by themselves
 */
export async function* download(
  address: string,
  options: { allowPrivate: boolean; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(maxMs)])
  const response = await follow(address, { ...options, signal })
  let bytes = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > importLimits.fileBytes)
      throw new TaskFailed(`The file is larger than ${importLimits.fileBytes} bytes (5 GB); split it`)
    yield piece
  }
  const expected = Number(response.headers['content-length'] ?? bytes)
  if (bytes !== expected) throw new Error(`The download ended after ${bytes} of ${expected} bytes`)
}

async function follow(
  address: string,
  options: { allowPrivate: boolean; signal: AbortSignal },
): Promise<IncomingMessage> {
  let url = new URL(address)
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await request(url, options)
    const { statusCode = 0, headers } = response
    if (statusCode === 200) return response
    response.destroy()
    if (statusCode >= 300 && statusCode < 400 && headers.location) {
      if (!URL.canParse(headers.location, url.href))
        throw new TaskFailed('It redirects to something that is no address')
      url = new URL(headers.location, url.href)
      continue
    }
    const reason = `${url.host} answered ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trim()
    throw statusCode >= 500 || statusCode === 429 ? new Error(reason) : new TaskFailed(reason)
  }
  throw new TaskFailed(`The address redirects more than ${maxRedirects} times`)
}

async function request(
  url: URL,
  options: { allowPrivate: boolean; signal: AbortSignal },
): Promise<IncomingMessage> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new TaskFailed(`${url.protocol}// addresses can't be fetched; only https:// and http://`)
  try {
    return await getGuarded(url, { ...options, silenceMs, answerMs })
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, url.hostname)
  }
}

function explain(error: NodeJS.ErrnoException, host: string): Error {
  if (isInternalHost(error)) return internal(host)
  if (error.code === 'ENOTFOUND') return new TaskFailed(`The host ${host} is unknown`)
  if (error.code === 'ECONNREFUSED') return new TaskFailed(`${host} refused the connection`)
  if (error.code?.startsWith('ERR_TLS') || error.code?.includes('CERT'))
    return new TaskFailed(`The certificate of ${host} is not valid: ${error.message}`)
  return error
}

const internal = (host: string) =>
  new TaskFailed(
    `${host} is an internal address; set FAIRWAY_ALLOW_PRIVATE_NETWORKS=true when files may come from your own network`,
  )

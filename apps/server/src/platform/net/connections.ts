import dns from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { isPublicAddress } from './addresses.ts'

/*
 * Every connection to a host that a project's member typed in is made here, and a test sees to it that none is made
 * elsewhere. What the operator configured (DATABASE_URL, DynamoDB) is reached by its own drivers.
 */

export interface Allowed {
  /** FAIRWAY_ALLOW_PRIVATE_NETWORKS: addresses of our own network, too. */
  allowPrivate: boolean
}

/** The address is not on the public internet. */
export const isInternalHost = (error: unknown): boolean => (error as { code?: string }).code === 'EINTERNAL'

/**
 * A first, friendly no, for a host as it was typed in. Names are looked up at every connection, and whatever spelling of an
 * address a look-up understands is checked then.
 */
export function isInternalLiteral(host: string): boolean {
  const literal = withoutBrackets(host)
  return literal === 'localhost' || (net.isIP(literal) !== 0 && !isPublicAddress(literal))
}

/**
 * Connects. A name is resolved here and every address is checked, so that it can't point to an internal one now or later.
 * Rejects when the host is internal, unknown or silent.
 */
export function connectGuarded(
  host: string,
  port: number,
  { allowPrivate, timeoutMs }: Allowed & { timeoutMs: number },
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = new GuardedSocket({ allowPrivate })
    const timer = setTimeout(
      () => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)),
      timeoutMs,
    )
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.connect(port, host)
  })
}

/** For drivers that connect their socket themselves. */
export class GuardedSocket extends net.Socket {
  readonly #allowPrivate: boolean

  constructor({ allowPrivate }: Allowed) {
    super()
    this.#allowPrivate = allowPrivate
  }

  override connect(...given: unknown[]): this {
    const [port, typed] = given as [number, string]
    const host = withoutBrackets(typed)
    const refused = refusal(host, this.#allowPrivate)
    if (refused) return this.destroy(refused)
    return super.connect({ port, host, lookup: guardedLookup(this.#allowPrivate), autoSelectFamily: true })
  }
}

/** One request, which follows no redirect. Rejects as {@link connectGuarded} does. */
export function getGuarded(
  url: URL,
  {
    allowPrivate,
    signal,
    silenceMs,
    answerMs,
  }: Allowed & { signal: AbortSignal; silenceMs: number; answerMs: number },
): Promise<http.IncomingMessage> {
  const refused = refusal(withoutBrackets(url.hostname), allowPrivate)
  if (refused) return Promise.reject(refused)
  const { get } = url.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const sent = get(url, {
      // None of the environment's proxies, none of another request's connections.
      agent: false,
      lookup: guardedLookup(allowPrivate),
      signal,
      timeout: silenceMs,
      headers: { 'user-agent': 'Fairway', 'accept-encoding': 'identity' },
    })
    const timer = setTimeout(
      () => sent.destroy(new Error(`${url.host} did not answer within ${answerMs / 1_000} seconds`)),
      answerMs,
    )
    sent.on('timeout', () =>
      sent.destroy(new Error(`${url.host} was silent for ${silenceMs / 1_000} seconds`)),
    )
    sent.on('error', reject)
    sent.on('close', () => clearTimeout(timer))
    sent.on('response', (response) => {
      clearTimeout(timer)
      resolve(response)
    })
  })
}

/** Gives only addresses that may be connected to. */
const guardedLookup =
  (allowPrivate: boolean): net.LookupFunction =>
  (name, lookupOptions, callback) => {
    dns.lookup(name, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const usable = allowPrivate ? addresses : addresses.filter(({ address }) => isPublicAddress(address))
      if (usable.length === 0) return callback(internalHost(name), [])
      if (lookupOptions.all) return callback(null, usable)
      callback(null, usable[0]!.address, usable[0]!.family)
    })
  }

/** A literal is looked up nowhere. */
const refusal = (host: string, allowPrivate: boolean): Error | undefined =>
  !allowPrivate && net.isIP(host) !== 0 && !isPublicAddress(host) ? internalHost(host) : undefined

const withoutBrackets = (host: string) =>
  host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host

const internalHost = (host: string): NodeJS.ErrnoException =>
  Object.assign(
    new Error(
      `${host} is an internal address; the operator can allow these with FAIRWAY_ALLOW_PRIVATE_NETWORKS=true`,
    ),
    { code: 'EINTERNAL' },
  )

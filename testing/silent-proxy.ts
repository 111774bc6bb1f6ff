import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export interface SilentProxy {
  /** The given URL, by way of the proxy. */
  url: string
  /** Connections that are there go silent, as when a router forgets them: open on both sides, and nothing arrives. */
  forget(): void
  /** The same, and connections that come later are accepted and get no answer: a frozen server. */
  freeze(): void
  /** Connections that come from now on work again. */
  thaw(): void
  /** Connections made so far. */
  readonly made: number
  close(): Promise<void>
}

/** A TCP proxy in front of a database that can stop forwarding without closing anything. */
export async function openSilentProxy(target: string): Promise<SilentProxy> {
  const { hostname, port } = new URL(target)
  const pairs = new Set<[Socket, Socket]>()
  let frozen = false
  let made = 0

  const server = createServer((inside) => {
    made++
    const outside = connect(Number(port), hostname)
    const pair: [Socket, Socket] = [inside, outside]
    pairs.add(pair)
    for (const [socket, other] of [pair, [outside, inside] as const]) {
      socket.setNoDelay(true)
      socket
        .on('error', () => {})
        .on('close', () => {
          other.destroy()
          pairs.delete(pair)
        })
    }
    if (frozen) return silence(pair)
    inside.pipe(outside)
    outside.pipe(inside)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)

  const forget = () => {
    for (const pair of pairs) silence(pair)
  }
  return {
    url: url.href,
    forget,
    freeze() {
      frozen = true
      forget()
    },
    thaw() {
      frozen = false
    },
    get made() {
      return made
    },
    async close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function silence([inside, outside]: [Socket, Socket]): void {
  inside.unpipe(outside).pause()
  outside.unpipe(inside).pause()
}

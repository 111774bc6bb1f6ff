import dns from 'node:dns'
import net from 'node:net'

const internal = new net.BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  internal.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  internal.addSubnet(network, prefix, 'ipv6')
}

/** Loopback, private, link-local (cloud metadata) and other addresses that are not on the public internet. */
export function isInternalAddress(address: string): boolean {
  // BlockList reads ::ffff:10.0.0.1 as the IPv4 address in it.
  const family = net.isIP(address)
  return family === 0 || internal.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** For every connection to a name that a project's member typed in: gives no address that is internal. */
export const guardedLookup =
  (allowPrivate: boolean): net.LookupFunction =>
  (name, lookupOptions, callback) => {
    dns.lookup(name, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const usable = allowPrivate ? addresses : addresses.filter(({ address }) => !isInternalAddress(address))
      if (usable.length === 0) return callback(internalHost(name), [])
      if (lookupOptions.all) return callback(null, usable)
      callback(null, usable[0]!.address, usable[0]!.family)
    })
  }

/**
 * Connects to a host that a project's member typed in. Names are resolved here and every address is checked, so a name
 * can't point to an internal address now or later. Rejects when the host is internal, unknown or silent.
 */
export function connectGuarded(
  host: string,
  port: number,
  options: { allowPrivate: boolean; timeoutMs: number },
): Promise<net.Socket> {
  if (!options.allowPrivate && net.isIP(host) !== 0 && isInternalAddress(host)) {
    return Promise.reject(internalHost(host))
  }
  return new Promise((resolve, reject) => {
    const lookup = guardedLookup(options.allowPrivate)
    const socket = net.connect({ host, port, lookup, autoSelectFamily: true })
    const timer = setTimeout(
      () => socket.destroy(new Error(`no connection within ${options.timeoutMs} ms`)),
      options.timeoutMs,
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
  })
}

const internalHost = (host: string): NodeJS.ErrnoException =>
  Object.assign(
    new Error(
      `${host} is an internal address; set FAIRWAY_ALLOW_PRIVATE_NETWORKS=true when mail may be sent through your own network`,
    ),
    { code: 'EINTERNAL' },
  )

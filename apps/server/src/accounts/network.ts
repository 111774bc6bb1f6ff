import { isIPv4, isIPv6 } from 'node:net'

/**
 * Whom an address counts as: one IPv6 customer holds 2^64 addresses, so a /64 network is one; IPv4 stays as it is, because
 * hundreds share one already. Some proxies add the port; a text that is no address counts as itself.
 */
export function networkOf(address: string): string {
  const bare = withoutPort(address)
  if (!isIPv6(bare)) return bare
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)
  if (mapped) return mapped[1]!
  const [head = '', tail] = bare.split('%', 1)[0]!.split('::')
  const left = groups(head)
  const right = groups(tail)
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':')
}

/** `0db8`, `DB8` and `db8` are the same. */
const groups = (text: string | undefined) =>
  text ? text.split(':').map((group) => group.toLowerCase().replace(/^0{1,3}(?=.)/, '')) : []

function withoutPort(address: string): string {
  if (address.startsWith('[')) return address.slice(1).split(']', 1)[0]!
  const [host = '', port] = address.split(':')
  return port !== undefined && isIPv4(host) ? host : address
}

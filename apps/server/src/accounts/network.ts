import { isIPv4, isIPv6 } from 'node:net'

/**
 * Whom an address counts as: one IPv6 customer holds 2^64 addresses, so a /64 network is one; IPv4 stays as it is, because
 * hundreds share one already. Some proxies add the port; a text that is no address counts as itself.
 */
export function networkOf(address: string): string {
  const bare = withoutPort(address)
  if (!isIPv6(bare)) return bare
  const all = groupsOf(bare)
  const [high, low] = all.slice(6).map((group) => Number.parseInt(group, 16)) as [number, number]
  // An IPv4 address as a socket for both sees it.
  if (all.slice(0, 6).join(':') === '0:0:0:0:0:ffff')
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  return all.slice(0, 4).join(':')
}

/** All eight, in one spelling; the last two may be written as an IPv4 address. */
function groupsOf(address: string): string[] {
  const hex = address
    .split('%', 1)[0]!
    .replace(/(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/, (_, a, b, c, d) => `${pair(a, b)}:${pair(c, d)}`)
  const [head = '', tail] = hex.split('::')
  const left = groups(head)
  const right = groups(tail)
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array<string>(zeros).fill('0'), ...right]
}

const pair = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16)

/** `0db8`, `DB8` and `db8` are the same. */
const groups = (text: string | undefined) =>
  text ? text.split(':').map((group) => group.toLowerCase().replace(/^0{1,3}(?=.)/, '')) : []

function withoutPort(address: string): string {
  if (address.startsWith('[')) return address.slice(1).split(']', 1)[0]!
  const [host = '', port] = address.split(':')
  return port !== undefined && isIPv4(host) ? host : address
}

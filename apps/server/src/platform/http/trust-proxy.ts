import type { TrustedProxies } from '../config.ts'

/**
 * For fastify, which asks for each address whether it is a proxy of ours, from the connection outwards: hop 0 is who
 * connected, hop 1 the last entry of X-Forwarded-For. The first that is none is the client; what is left of it is only what
 * the client says.
 */
export function trustProxy(proxies: TrustedProxies) {
  return typeof proxies === 'number' ? (_address: string, hop: number) => hop < proxies : proxies
}

import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'

/** Resolves with the address that was bound. Throws {@link CannotListen}. */
export async function listen(http: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    return await http.listen({ host, port })
  } catch (error) {
    throw new CannotListen(host, port, error as NodeJS.ErrnoException)
  }
}

export class CannotListen extends Error {
  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    const reasons: Record<string, string> = {
      EADDRINUSE: `port ${port} is taken by another program: stop it, or set FAIRWAY_PORT to another port`,
      EACCES: `port ${port} needs privileges: set FAIRWAY_PORT to 1024 or higher`,
      EADDRNOTAVAIL: `this machine has no address ${host}: correct FAIRWAY_HOST`,
      ENOTFOUND: `the name ${host} is unknown: correct FAIRWAY_HOST`,
    }
    super(`Cannot listen on ${host}:${port}: ${reasons[cause.code ?? ''] ?? cause.message}.`, { cause })
    this.name = 'CannotListen'
  }
}

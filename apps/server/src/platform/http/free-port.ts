import { createServer } from 'node:net'

/** A port that is free now: decided before anything is built, because links carry the port. */
export async function freePort(host: string): Promise<number> {
  const probe = createServer()
  await new Promise<void>((done, fail) => probe.once('error', fail).listen(0, host, done))
  const { port } = probe.address() as { port: number }
  await new Promise((done) => probe.close(done))
  return port
}

import { createHash } from 'node:crypto'
import { createServer } from 'node:net'

// Below every system's ephemeral range, so that no outgoing connection takes the port while PostgreSQL restarts.
const firstPort = 20_000
const ports = 12_000

/** A free port on 127.0.0.1, the same for one cluster at every start when it can be. */
export async function choosePort(home: string, attempt: number): Promise<number> {
  const start = createHash('sha256').update(home).digest().readUInt32BE()
  for (let step = attempt * 7; step < ports; step++) {
    const port = firstPort + ((start + step) % ports)
    if (await isFree(port)) return port
  }
  throw new Error(`No free port between ${firstPort} and ${firstPort + ports} for the embedded PostgreSQL`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const probe = createServer()
    probe.once('error', () => answer(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => answer(true)))
  })
}

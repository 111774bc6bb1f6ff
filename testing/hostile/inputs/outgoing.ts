import { createServer, type Server, type Socket } from 'node:net'
import { type Input, many } from '../input.ts'

/** Ways to write an address of the server's own network. */
const internal = [
  '127.0.0.1',
  'localhost',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0',
  '0.0.0.0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[fec0::1]',
  '[fe80::1]',
  '[fc00::1]',
  '[::ffff:0:7f00:1]',
  '169.254.169.254',
  '10.0.0.1',
  '192.168.0.1',
  '172.16.0.1',
  '100.64.0.1',
  '127.0.0.1.',
  'LOCALHOST',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
]

/** What a server says that was reached. */
const marker = 'reached-the-inside'

const portOf = (server: Server) => (server.address() as { port: number }).port

async function listening(onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** A PostgreSQL that lets everybody in and then announces a row of 2 GB, of which it sends as much as is taken. */
function hostilePostgres(socket: Socket) {
  const message = (type: string, body: Buffer) => {
    const header = Buffer.alloc(5)
    header.write(type)
    header.writeInt32BE(body.length + 4, 1)
    return Buffer.concat([header, body])
  }
  let started = false
  socket.on('data', (data) => {
    // A wish for TLS is refused; then comes the startup.
    if (!started && data.length === 8) return void socket.write('N')
    if (!started) {
      started = true
      socket.write(Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]))
      return
    }
    const column = Buffer.concat([
      Buffer.from([0, 1]),
      Buffer.from('x\0'),
      Buffer.alloc(6),
      Buffer.from([0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    ])
    const announced = Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff, 0, 1, 0x7f, 0xff, 0xff, 0xf0])
    socket.write(
      Buffer.concat([
        message('1', Buffer.alloc(0)),
        message('2', Buffer.alloc(0)),
        message('T', column),
        announced,
      ]),
    )
    const piece = Buffer.alloc(1 << 20, 'x')
    const more = () => {
      while (!socket.destroyed && socket.write(piece)) {}
    }
    socket.on('drain', more)
    more()
  })
}

export const outgoing: Input[] = [
  {
    name: 'addresses of the inside',
    why: 'whoever makes the server ask its own network learns what is there',
    async play(tenant, scale) {
      let reached = 0
      const inside = await listening((socket) => {
        reached++
        socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${marker.length}\r\n\r\n${marker}`)
      })
      const port = portOf(inside)
      try {
        await many(internal.length, 4, async (i) => {
          const host = internal[i]!
          await tenant.rest('POST', '/imports', { kind: 'people', url: `http://${host}:${port}/x.csv` })
          for (const kind of ['postgres', 'mysql'])
            await tenant.rest('POST', '/sources/test', {
              kind,
              url: `${kind}://u:p@${host}:${port}/d?sslmode=disable`,
              query: 'select 1',
            })
          if (scale.large)
            await tenant.rest('POST', '/providers', {
              name: 'x',
              kind: 'smtp',
              host: host.replaceAll(/[[\]]/g, ''),
              port,
            })
        })
        // Fetching is done by the workers: they have had time for it when the last import has failed.
        await tenant.until(async () => {
          const list = await tenant.rest('GET', '/imports?limit=100')
          if (list.status !== 200) return undefined
          return list.json().items.every(({ state }: { state: string }) => state !== 'fetching') || undefined
        })
      } finally {
        inside.close()
      }
      if (reached > 0) throw new Error(`the server connected to its own network ${reached} times`)
    },
  },
  {
    name: 'a database that announces 2 GB',
    why: 'one row took 630 MB of memory before it was refused',
    env: { FAIRWAY_ALLOW_PRIVATE_NETWORKS: 'true' },
    async play(tenant, scale) {
      const server = await listening(hostilePostgres)
      const url = `postgres://u:p@127.0.0.1:${portOf(server)}/d?sslmode=disable`
      try {
        await many(scale.of(1, 3), 3, () =>
          tenant.rest('POST', '/sources/test', { kind: 'postgres', url, query: 'select x from y' }),
        )
      } finally {
        server.close()
      }
    },
  },
  {
    name: 'servers that never answer',
    why: 'a wait without an end keeps what waits',
    env: { FAIRWAY_ALLOW_PRIVATE_NETWORKS: 'true' },
    async play(tenant, scale) {
      const held = new Set<Socket>()
      const server = await listening((socket) => held.add(socket))
      const address = `127.0.0.1:${portOf(server)}`
      try {
        await many(scale.of(4, 40), 40, (i) =>
          tenant.rest('POST', '/sources/test', {
            kind: i % 2 ? 'mysql' : 'postgres',
            url: `${i % 2 ? 'mysql' : 'postgres'}://u:p@${address}/d`,
            query: 'select 1',
          }),
        )
      } finally {
        for (const socket of held) socket.destroy()
        server.close()
      }
    },
  },
]

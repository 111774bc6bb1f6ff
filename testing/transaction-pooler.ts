import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import pg from 'pg'

export interface TransactionPooler {
  /** The given URL, by way of the pooler. */
  url: string
  close(): Promise<void>
}

/** What PostgreSQL says at the end of each answer; the byte after its length is `I` outside of transactions. */
const readyForQuery = 'Z'.charCodeAt(0)
const idle = 'I'.charCodeAt(0)
const authenticationOk = Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 0])
const readyIdle = Buffer.from([readyForQuery, 0, 0, 0, 5, idle])

/** As PgBouncer with `pool_mode = transaction`: clients borrow one of two connections for a transaction each. */
export async function openTransactionPooler(target: string): Promise<TransactionPooler> {
  const servers = [await openServer(target), await openServer(target)]
  const free = [...servers]
  const waiting: ((server: Server) => void)[] = []
  const take = () =>
    new Promise<Server>((resolve) => (free.length > 0 ? resolve(free.shift()!) : waiting.push(resolve)))
  const give = (server: Server) => {
    const next = waiting.shift()
    if (next) next(server)
    else free.unshift(server)
  }

  const clients = new Set<Socket>()
  const listener = createServer((client) => {
    clients.add(client)
    client.on('error', () => {}).on('close', () => clients.delete(client))
    client.once('data', () => {
      client.write(Buffer.concat([authenticationOk, readyIdle]))
      let server: Server | undefined
      const unsent: Buffer[] = []
      let borrowing = false
      client.on('data', async (data) => {
        if (data[0] === 'X'.charCodeAt(0)) return client.end()
        unsent.push(data)
        if (borrowing) return
        if (!server) {
          borrowing = true
          server = await take()
          borrowing = false
          server.onAnswer = (answer, outside) => {
            client.write(answer)
            if (!outside) return
            const done = server!
            server = undefined
            give(done)
          }
        }
        for (const part of unsent.splice(0)) server.socket.write(part)
      })
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((listener.address() as AddressInfo).port)
  return {
    url: url.href,
    async close() {
      for (const client of clients) client.destroy()
      await new Promise((resolve) => listener.close(resolve))
      for (const { socket } of servers) socket.destroy()
    },
  }
}

interface Server {
  socket: Socket
  /** `outside`: the server waits for the next statement, and is in no transaction. */
  onAnswer: (answer: Buffer, outside: boolean) => void
}

/** Logged in by the driver; from then on its socket is used as it is. */
async function openServer(target: string): Promise<Server> {
  const client = new pg.Client({ connectionString: target })
  client.on('error', () => {})
  await client.connect()
  const socket = client.connection.stream as Socket
  socket.removeAllListeners('data')
  const server: Server = { socket, onAnswer: () => {} }
  socket.on('data', (data) => {
    const outside = data.length >= 6 && data.at(-6) === readyForQuery && data.at(-1) === idle
    server.onAnswer(data, outside)
  })
  return server
}

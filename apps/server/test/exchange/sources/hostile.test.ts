import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { SMTPServer } from 'smtp-server'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { parseConnection } from '../../../src/exchange/sources/connection.ts'
import {
  Meter,
  maxAnswerBytes,
  maxAnswerMessages,
  maxMessageBytes,
} from '../../../src/exchange/sources/meter.ts'
import { openReader } from '../../../src/exchange/sources/open-reader.ts'
import type { SourceFailed } from '../../../src/exchange/sources/source-failed.ts'

const limits = { connectMs: 5_000, statementMs: 30_000, allowPrivate: true }
const reading = (query: string) => ({ query, cursorColumn: null, from: null })

/** A server that does what it is told with each connection. */
async function pretend(serve: (socket: Socket) => void): Promise<Server & { port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    serve(socket)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return Object.assign(server, { port: (server.address() as AddressInfo).port })
}

const failure = (kind: 'postgres' | 'mysql', url: string): Promise<SourceFailed> =>
  openReader(parseConnection(kind, url), reading('select 1 as a'), limits).then(
    () => expect.unreachable(),
    (error) => error,
  )

/** A message of PostgreSQL's, of which as much is sent as given. */
const message = (type: string, body: Buffer, length = body.length) => {
  const header = Buffer.alloc(5)
  header.write(type)
  header.writeUInt32BE(length + 4, 1)
  return Buffer.concat([header, body])
}
const packet = (sequence: number, body: Buffer, length = body.length) => {
  const header = Buffer.alloc(4)
  header.writeUIntLE(length, 0, 3)
  header[3] = sequence
  return Buffer.concat([header, body])
}

/** Sends on until the other side has had enough. */
function flood(socket: Socket, piece = Buffer.alloc(65_536, 120)): void {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', more)
  more()
}

describe("the server's own settings", () => {
  const secrets = {
    PGPASSWORD: 'secret-password',
    PGUSER: 'secret-user',
    PGDATABASE: 'secret-database',
    PGOPTIONS: '-c search_path=secret-options',
    PGAPPNAME: 'secret-name',
    PGSSLMODE: 'verify-full',
    PGSSLNEGOTIATION: 'direct',
    PGSERVICE: 'secret-service',
    PGREPLICATION: 'secret-replication',
    PGCLIENTENCODING: 'secret-encoding',
    PGPASSFILE: '/dev/null/secret',
    MYSQL_PWD: 'secret-mysql',
  }
  const before = { ...process.env }
  beforeAll(() => Object.assign(process.env, secrets))
  afterAll(() => {
    for (const name of Object.keys(secrets))
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
  })

  for (const password of ['', 'theirs'])
    it(`never reach another server, for the password "${password}"`, async () => {
      const sent: Buffer[] = []
      const server = await pretend((socket) => {
        let pieces = 0
        socket.on('data', (piece) => {
          sent.push(piece)
          // Asks for the password in plain text, then says goodbye.
          if (pieces++ === 0) socket.write(message('R', Buffer.from([0, 0, 0, 3])))
          else socket.end()
        })
      })
      await failure('postgres', `postgres://u:${password}@127.0.0.1:${server.port}/d?sslmode=disable`)
      server.close()
      const [startup, answer] = [sent[0]!.toString(), sent[1]!.toString()]
      expect(startup.slice(8).split('\0').filter(Boolean)).toEqual([
        'user',
        'u',
        'database',
        'd',
        'application_name',
        'fairway',
        'client_encoding',
        'UTF8',
      ])
      expect(answer.slice(5)).toBe(`${password}\0`)
    })
})

describe('a server that sends too much', () => {
  let server: Server & { port: number }
  afterEach(() => server?.close())

  const ready = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))])
  const postgres: Record<string, (socket: Socket) => void> = {
    'announces 2 GB while it greets': (socket) => {
      socket.once('data', () => {
        socket.write(message('R', Buffer.alloc(4), 2 ** 31 - 10))
        flood(socket)
      })
    },
    'announces 2 GB of an error': (socket) => {
      socket.once('data', () => {
        socket.write(message('E', Buffer.alloc(4), 2 ** 31 - 10))
        flood(socket)
      })
    },
    'announces a row of 2 GB': (socket) => {
      socket.once('data', () => {
        socket.write(ready)
        socket.once('data', () => {
          socket.write(message('D', Buffer.from([0, 1]), 2 ** 31 - 10))
          flood(socket)
        })
      })
    },
    'sends notices for ever': (socket) => {
      socket.once('data', () =>
        flood(socket, Buffer.concat(Array(500).fill(message('N', Buffer.from('SNOTICE\0\0'))))),
      )
    },
  }
  for (const [name, serve] of Object.entries(postgres))
    it(`is left at once when it ${name} (PostgreSQL)`, async () => {
      let bytes = 0
      server = await pretend((socket) => {
        const write = socket.write.bind(socket) as (piece: Buffer) => boolean
        socket.write = ((piece: Buffer) => {
          bytes += piece.length
          return write(piece)
        }) as typeof socket.write
        serve(socket)
      })
      const error = await failure('postgres', `postgres://u:p@127.0.0.1:${server.port}/d?sslmode=disable`)
      expect(error).toMatchObject({
        transient: false,
        message: expect.stringMatching(/^The database (sends|answers)/),
      })
      // What two sockets' buffers hold, and not gigabytes.
      expect(bytes).toBeLessThan(maxAnswerBytes)
    })

  it('is left at once when it announces packet after packet of 16 MB (MySQL)', async () => {
    server = await pretend((socket) => {
      socket.write(packet(0, Buffer.alloc(0), 2 ** 24 - 1))
      flood(socket)
    })
    expect(await failure('mysql', `mysql://u:p@127.0.0.1:${server.port}/d?sslmode=disable`)).toMatchObject({
      transient: false,
      message: expect.stringMatching(/a message of more than 1048576 bytes/),
    })
  })

  it('is left at once behind TLS, too', async () => {
    // Any certificate will do: the mail servers of other tests bring one.
    const secureContext = new SMTPServer().secureContext.get('*')
    const secured = (socket: Socket, then: (secure: Socket) => void) => {
      const secure = new TLSSocket(socket, { isServer: true, secureContext })
      secure.on('error', () => {})
      then(secure)
    }
    server = await pretend((socket) =>
      socket.once('data', () => {
        socket.write('S')
        secured(socket, (secure) =>
          secure.once('data', () => {
            secure.write(message('E', Buffer.alloc(4), 2 ** 31 - 10))
            flood(secure)
          }),
        )
      }),
    )
    const error = await failure('postgres', `postgres://u:p@127.0.0.1:${server.port}/d?sslmode=require`)
    expect(error).toMatchObject({ transient: false, message: expect.stringMatching(/a message of more/) })
  })

  it('is left when its greeting never ends', async () => {
    server = await pretend((socket) => {
      const drip = setInterval(() => socket.write(Buffer.from([0])), 20)
      socket.once('close', () => clearInterval(drip))
    })
    for (const kind of ['postgres', 'mysql'] as const) {
      const connection = parseConnection(kind, `${kind}://u:p@127.0.0.1:${server.port}/d?sslmode=disable`)
      await expect(
        openReader(connection, reading('select 1 as a'), { ...limits, connectMs: 300 }),
      ).rejects.toMatchObject({ field: 'url' })
    }
  })
})

describe('a meter', () => {
  const postgres = (bodies: number[]) =>
    Buffer.concat(bodies.map((length) => message('D', Buffer.alloc(length))))

  it('counts the same however the bytes come', () => {
    const bytes = postgres([0, 1, 5, 1_000, 3])
    for (const size of [1, 2, 3, 7, 64, bytes.length]) {
      const meter = new Meter('postgres')
      for (let at = 0; at < bytes.length; at += size) meter.take(bytes.subarray(at, at + size))
      expect(() => meter.take(message('D', Buffer.alloc(0), maxMessageBytes))).toThrow(/a message of more/)
    }
  })

  it('counts what an answer has, until it was taken', () => {
    const meter = new Meter('mysql')
    const large = packet(0, Buffer.alloc(maxMessageBytes - 4))
    const sixty = () => {
      for (let n = 0; n < 60; n++) meter.take(large)
    }
    sixty()
    meter.reset()
    sixty()
    expect(sixty).toThrow(/an answer of more/)
    meter.reset()
    const small = packet(0, Buffer.alloc(1))
    for (let n = 0; n < maxAnswerMessages; n++) meter.take(small)
    expect(() => meter.take(small)).toThrow(/messages/)
  })
})

describe('a query that tries to write', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase({ migrate: false })
  })
  afterAll(() => database?.drop())

  const tried = (query: string) =>
    openReader(parseConnection('postgres', database.url), reading(query), limits)
      .then(async (reader) => {
        await reader.read(10)
        await reader.close()
      })
      .catch((error: unknown) => error)

  it('can neither end its transaction nor open it for writing', async () => {
    for (const query of [
      'select 1) as q limit 0; commit; create table written (a int); select * from (select 1 as a',
      'select 1 as a) as q; commit; create table written (a int); begin; select * from (select 1 as a',
      "select set_config('transaction_read_only', 'off', false) as a",
      "select set_config('default_transaction_read_only', 'off', false) as a",
      'with made as (insert into pg_temp.x values (1) returning *) select * from made',
    ])
      await tried(query)
    const { rows } = await database.pool.query("select 1 from pg_class where relname = 'written'")
    expect(rows).toEqual([])
    expect(await tried('select 1 as a; create table written (a int)')).toMatchObject({ field: 'query' })
  })
})

import { createServer, type Server, type Socket } from 'node:net'

/** A mail server of few words; a silent one answers to everything but the message it was given. */
export class SmtpStub {
  /** Messages that it was given. */
  taken = 0
  readonly #silent: boolean
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  static async start({ silent }: { silent: boolean }): Promise<SmtpStub> {
    const stub = new SmtpStub(silent)
    await new Promise<void>((resolve) => stub.#server.listen(0, '127.0.0.1', resolve))
    return stub
  }

  private constructor(silent: boolean) {
    this.#silent = silent
    this.#server = createServer((socket) => this.#serve(socket))
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    let text = ''
    let inMessage = false
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    socket.setEncoding('latin1').on('data', (data: string) => {
      text += data
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end)
        text = text.slice(end + 2)
        if (inMessage && line !== '.') continue
        if (inMessage) {
          inMessage = false
          this.taken++
          if (this.#silent) continue
        }
        inMessage = line.toUpperCase() === 'DATA'
        socket.write(inMessage ? '354 go on\r\n' : '250 ok\r\n')
      }
    })
    socket.write('220 stub\r\n')
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

/** An SMTP server that takes everything and counts; answers its parent's questions. With `arrivals` it notes who got mail when. */
import { SMTPServer } from 'smtp-server'

const notes = process.argv.includes('arrivals')
const arrivals: Record<string, number> = {}
let mails = 0
let firstAt = 0
let lastAt = 0
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  disableReverseLookup: true,
  logger: false,
  onData(stream, session, done) {
    stream.resume()
    stream.on('end', () => {
      lastAt = performance.now()
      firstAt ||= lastAt
      mails++
      if (notes) for (const { address } of session.envelope.rcptTo) arrivals[address] = Date.now()
      done()
    })
  },
})
server.listen(0, '127.0.0.1', () => {
  process.send!({ port: (server.server.address() as { port: number }).port })
})
process.on('message', (question) => {
  if (question === 'reset') mails = firstAt = lastAt = 0
  if (question === 'arrivals') return void process.send!({ arrivals })
  process.send!({ mails, seconds: (lastAt - firstAt) / 1_000 })
})
process.on('SIGTERM', () => process.exit(0))

/** The least that sending can cost: render with Liquid, hand to nodemailer's pool. Arguments: port, mails, connections. */
import { Liquid } from 'liquidjs'
import nodemailer from 'nodemailer'
import { html, subject } from './mail.ts'

const [port, mails, connections] = process.argv.slice(2).map(Number) as [number, number, number]
const liquid = new Liquid()
const templates = { subject: liquid.parse(subject), html: liquid.parse(html) }
const transport = nodemailer.createTransport({
  host: '127.0.0.1',
  port,
  pool: true,
  maxConnections: connections,
  maxMessages: Number.POSITIVE_INFINITY,
})
let next = 0
const loop = async () => {
  while (next < mails) {
    const n = next++
    const scope = {
      customer: { first_name: `Name ${n}`, email: `user${n}@example.com` },
      trigger: { code: n },
    }
    const [subjectText, htmlText] = await Promise.all([
      liquid.render(templates.subject, scope),
      liquid.render(templates.html, scope),
    ])
    await transport.sendMail({
      from: 'Bench <bench@example.com>',
      to: scope.customer.email,
      subject: subjectText,
      html: htmlText,
      text: `Hello ${scope.customer.first_name}`,
    })
  }
}
process.send!('ready')
await new Promise((resolve) => process.once('message', resolve))
await Promise.all(Array.from({ length: connections * 2 }, loop))
process.send!('done')
transport.close()
process.disconnect()

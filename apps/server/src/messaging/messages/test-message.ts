import { randomUUID } from 'node:crypto'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { insertMessages } from './create.ts'
import { deliverJob } from './deliver-job.ts'

const html = `<h1>It works</h1>
<p>Hello {{ trigger.name }},</p>
<p>this mail went the whole way: a message row, a job in the fair queue, a worker, a Liquid template, a channel.</p>
<p>Project: {{ trigger.project }}</p>`

/** A first mail through the path of every transactional message, marked as a test so that it stays at home. */
export async function sendTestMessage(
  app: App,
  project: { id: number; name: string },
): Promise<{ messageId: string }> {
  return withTransaction(app.pool, async (client) => {
    const [message] = await insertMessages(client, project.id, [
      {
        cause: `test:${randomUUID()}`,
        origin: 'test',
        consent: { kind: 'transactional' },
        test: true,
        input: {
          to: ['ada@example.com'],
          data: { name: 'Ada', project: project.name },
          mail: { from: 'Fairway <hello@example.com>', subject: 'It works, {{ trigger.name }}', html },
        },
      },
    ])
    await app.queue.addIn(client, [deliverJob(project.id, message!.id, 'transactional')])
    return { messageId: message!.id }
  })
}

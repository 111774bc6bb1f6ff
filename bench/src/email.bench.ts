/**
 * Mails a second into the same SMTP sink: Fairway's workers on mails that wait as message rows (gate, claim, render, send,
 * record), beside a bare loop of Liquid and nodemailer's pool that keeps nothing. Counted by the sink, first to last mail.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeAll, createProject, startFairway, startPostgres, startProcess } from './machines.ts'
import { html, subject } from './mail.ts'
import { option, pairedRow, quick, report, runs } from './report.ts'

const mails = option('mails', quick ? 1_000 : 5_000)
const connections = 5

async function ask(
  sink: ChildProcess,
  question: 'reset' | 'count',
): Promise<{ mails: number; seconds: number }> {
  const answer = once(sink, 'message')
  sink.send(question)
  return (await answer)[0]
}

async function untilArrived(sink: ChildProcess): Promise<number> {
  for (;;) {
    const { mails: arrived, seconds } = await ask(sink, 'count')
    if (arrived >= mails) return arrived / seconds
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const postgres = await startPostgres()
try {
  const url = await postgres.database('fairway_email')
  const { project, secretKey } = await createProject(url, 'bench')
  const { ready, child: sink } = await startProcess<{ port: number }>('./smtp-sink.ts', [])
  const env = {
    FAIRWAY_SMTP_URL: `smtp://127.0.0.1:${ready.port}?connections=${connections}`,
    FAIRWAY_ALLOW_PRIVATE_NETWORKS: 'true',
  }
  const headers = { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' }
  const api = await startFairway(url, { ...env, FAIRWAY_ROLE: 'api' })
  const post = async (path: string, body: unknown, method = 'POST') => {
    const response = await fetch(api.url + path, { method, headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    await response.arrayBuffer()
  }
  const own = `/api/v1/projects/${project.id}`
  await post(`${own}/settings`, { mode: 'live' }, 'PATCH')
  await post(`${own}/templates`, {
    name: 'Code',
    key: 'code',
    fromAddress: 'Bench <bench@example.com>',
    subject,
    html,
  })

  const measured = []
  for (let run = 0; run < runs; run++) {
    const { child: bare } = await startProcess('./bare-mailer.ts', [
      String(ready.port),
      String(mails),
      String(connections),
    ])
    await ask(sink, 'reset')
    bare.send('go')
    const peer = await untilArrived(sink)

    let next = 0
    const fill = async () => {
      while (next < mails) {
        const n = next++
        await post('/v1/send/email', {
          transactional_message_id: 'code',
          to: `user${n}@example.com`,
          identifiers: { email: `user${n}@example.com` },
          message_data: { code: n },
        })
      }
    }
    await Promise.all(Array.from({ length: 8 }, fill))
    await ask(sink, 'reset')
    const worker = await startFairway(url, { ...env, FAIRWAY_ROLE: 'worker' })
    const ours = await untilArrived(sink)
    await worker.stop()
    measured.push({ ours, peer })
  }
  report('email', [
    pairedRow('mails sent', 'mails/s', measured, 'bare Liquid + nodemailer pool', { ratio: 0.75 }),
  ])
} finally {
  await closeAll()
}

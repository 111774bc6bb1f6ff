import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataDir, removeDataDir } from '../../../../testing/data-dir.ts'
import { hasJava, type LocalDynamodb, startDynamodb } from '../../../../testing/dynamodb.ts'
import { CliFailure, runCli, type ServerProcess, startServerProcess } from '../../../../testing/process.ts'
import { findRunningEmbedded } from '../../src/platform/db/embedded.ts'

const java = await hasJava()

describe('fairway queue migrate without settings for DynamoDB', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await startServerProcess()
  })
  afterAll(() => server.dispose())

  it('says what to set', async () => {
    const failure = await server.cli('queue', 'migrate', '--to', 'dynamodb').catch((error) => error)
    expect(failure).toBeInstanceOf(CliFailure)
    expect(failure.code).toBe(2)
    expect(failure.stderr).toContain('set FAIRWAY_DYNAMODB_TABLE')
  })
})

it('a server that is to use DynamoDB says what AWS lacks, and ends with 2', async () => {
  const dataDir = createDataDir()
  const environment = { FAIRWAY_DATA_DIR: dataDir, FAIRWAY_PORT: '0', FAIRWAY_QUEUE_STORE: 'dynamodb' }
  const failure = await runCli(['start'], { ...environment, AWS_EC2_METADATA_DISABLED: 'true' }).catch(
    (error) => error,
  )
  expect(failure).toMatchObject({ code: 2, stderr: expect.stringContaining('AWS_REGION must be set') })
  await removeDataDir(dataDir)
})

describe.skipIf(!java)('fairway queue migrate', () => {
  let dynamodb: LocalDynamodb
  let server: ServerProcess
  beforeAll(async () => {
    dynamodb = await startDynamodb()
    server = await startServerProcess({
      env: { FAIRWAY_DYNAMODB_ENDPOINT: dynamodb.endpoint, FAIRWAY_DYNAMODB_TABLE: 'fairway-queue-test' },
    })
  })
  afterAll(async () => {
    await server?.dispose()
    await dynamodb?.stop()
  })

  let sent = 0
  const track = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const reply = await fetch(`${server.url}/api/v2/events/track`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          auth_token: server.trackingKey,
          identity: { id: `p${sent % 7}` },
          event_name: 'Moved',
          data: { n: sent },
        }),
      })
      expect(reply.status).toBe(200)
      sent++
    }
  }

  /** A project's key whose mail goes to the mailbox: each is added inside a transaction. */
  let mails = 0
  const mail = async (secretKey: string) => {
    const reply = await fetch(`${server.url}/v1/send/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secretKey}` },
      body: JSON.stringify({
        to: `m${mails}@example.com`,
        from: 'shop@example.com',
        subject: 'Moved',
        body: '<p>moved</p>',
        identifiers: { id: `m${mails}` },
      }),
    })
    expect(reply.status).toBe(200)
    mails++
  }

  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: findRunningEmbedded(server.dataDir)! })
    await client.connect()
    const { rows } = await client.query(text)
    await client.end()
    return rows[0].count as number
  }
  const processed = () => query('select count(*)::int as count from events')
  const delivered = () => query('select count(*)::int as count from mailbox')
  const healthy = () => fetch(`${server.url}/healthz`).then((reply) => reply.status)

  it('moves there and back under traffic, through a kill -9; mail and events arrive once', async () => {
    const { secretKey } = JSON.parse(await server.cli('project', 'create', 'Mail', '--json'))
    await track(40)
    await mail(secretKey)
    expect(JSON.parse(await server.cli('queue', 'migrate', '--status', '--json'))).toMatchObject({
      phase: 'steady',
      target: 'postgres',
    })

    const moving = server.cli('queue', 'migrate', '--to', 'dynamodb', '--json')
    await track(40)
    await mail(secretKey)
    const lines = (await moving)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.at(-1)).toMatchObject({ phase: 'steady', target: 'dynamodb', left: 0 })
    await track(20)
    await mail(secretKey)
    await expect.poll(processed, { timeout: 30_000 }).toBe(sent)
    await expect.poll(delivered, { timeout: 30_000 }).toBe(mails)
    await expect.poll(healthy, { timeout: 30_000 }).toBe(200)
    const metrics = await fetch(`${server.url}/metrics`).then((reply) => reply.text())
    expect(metrics).toMatch(/fairway_queue_request_units_total\{kind="write"\} [1-9]/)
    expect(JSON.parse(await server.cli('queue', 'stats', '--json')).lanes).toEqual(expect.any(Array))

    // Killed on the way back, the next life of the server goes on with it.
    const back = server.cli('queue', 'migrate', '--to', 'postgres', '--json')
    await track(20)
    await server.kill()
    await back.catch(() => {})
    await server.restart()
    await track(20)
    await mail(secretKey)
    expect(
      await server
        .cli('queue', 'migrate', '--from', 'dynamodb', '--to', 'postgres')
        .catch((error) => error.stderr),
    ).toMatch(/jobs are in postgres/)
    await track(10)
    await expect.poll(processed, { timeout: 60_000 }).toBe(sent)
    await expect.poll(delivered, { timeout: 60_000 }).toBe(mails)
    await expect.poll(healthy, { timeout: 30_000 }).toBe(200)
  }, 240_000)

  it('refuses what makes no sense', async () => {
    const refusal = (...args: string[]) =>
      server
        .cli('queue', 'migrate', ...args)
        .catch((error: CliFailure) => ({ code: error.code, said: error.stderr }))
    expect(await refusal('--to', 'redis')).toMatchObject({
      code: 2,
      said: expect.stringContaining('only postgres and dynamodb'),
    })
    expect(await refusal()).toMatchObject({ code: 2, said: expect.stringContaining('Say where to') })
    expect(await refusal('--from', 'dynamodb', '--to', 'dynamodb')).toMatchObject({
      code: 2,
      said: expect.stringContaining('The jobs are in postgres, not in dynamodb'),
    })
  })
})

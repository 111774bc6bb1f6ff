import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataDir, removeDataDir } from '../../../../testing/data-dir.ts'
import {
  CliFailure,
  runCli,
  runCliFully,
  type ServerProcess,
  startServerProcess,
} from '../../../../testing/process.ts'

import { findDataDir } from '../../src/cli/find-data-dir.ts'

let server: ServerProcess
beforeAll(async () => {
  server = await startServerProcess()
})
afterAll(() => server.dispose())

const track = (id: string) =>
  fetch(`${server.url}/api/v2/events/track`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth_token: server.trackingKey, identity: { id }, event_name: 'Seen' }),
  })

const status = (path: string) => fetch(server.url + path).then((reply) => reply.status)

describe('fairway start', () => {
  it('prints the address, a sign-in link, a tracking key and a curl that works', async () => {
    expect(server.stdout).toContain(`Console        http://localhost:${new URL(server.url).port}`)
    expect(server.stdout).toMatch(/Sign in {8}http:\/\/localhost:\d+\/\S+token=\S+/)
    expect(server.stdout).toContain(`curl http://localhost:${new URL(server.url).port}/api/v2/events/track`)
    expect((await track('1')).status).toBe(200)
  })

  it('keeps keys and data through a kill -9, and signs in anew', async () => {
    await server.kill()
    await server.restart()
    expect((await track('2')).status).toBe(200)
    expect(server.stdout.match(/Tracking key/g)).toHaveLength(1)
    expect(server.stdout.match(/Sign in/g)).toHaveLength(2)
    expect(server.stderr).toContain('stopping a PostgreSQL that an earlier Fairway left running')
  })

  it('survives a kill -9 of its PostgreSQL', async () => {
    server.killDatabase()
    await expect.poll(() => status('/readyz'), { timeout: 30_000 }).toBe(200)
    await expect.poll(() => status('/healthz'), { timeout: 30_000 }).toBe(200)
    expect((await track('3')).status).toBe(200)
  })
})

describe('commands beside a running server', () => {
  it('creates a project whose key works at once', async () => {
    const created = JSON.parse(await server.cli('project', 'create', 'Other', '--json'))
    expect(created).toEqual({
      project: { id: expect.any(Number), name: 'Other' },
      trackingKey: expect.stringMatching(/^fw_track_/),
      secretKey: expect.stringMatching(/^fw_secret_/),
    })
    const reply = await fetch(`${server.url}/api/v1/projects/${created.project.id}/settings`, {
      headers: { authorization: `Bearer ${created.secretKey}` },
    })
    expect(await reply.json()).toMatchObject({ name: 'Other' })
  })

  it('shows the lanes of the queue', async () => {
    expect(JSON.parse(await server.cli('queue', 'stats', '--json'))).toEqual({ lanes: expect.any(Array) })
    expect(await server.cli('queue', 'stats')).toMatch(/lane|empty/)
  })

  it('limits, pauses and inspects a project', async () => {
    expect(await server.cli('queue', 'limits', '1', '--weight', '2', '--max-jobs', '1000')).toContain(
      'weight 2',
    )
    expect(JSON.parse(await server.cli('queue', 'limits', '1', '--weight', 'none', '--json'))).toEqual({
      project: '1',
      controls: { maxJobs: 1000 },
    })
    expect(await server.cli('queue', 'pause', '--project', '1')).toContain('Project 1 is paused')
    expect(JSON.parse(await server.cli('queue', 'pause', '--lane', 'webhooks', '--json'))).toEqual({
      lane: 'webhooks',
      paused: true,
    })
    await server.cli('queue', 'resume', '--lane', 'webhooks')
    expect((await track('while paused')).status).toBe(200)
    const inspected = async () => JSON.parse(await server.cli('queue', 'inspect', '1', '--json'))
    expect(await inspected()).toMatchObject({
      waiting: [{ lane: 'ingest', paused: true }],
      dead: [],
    })
    expect(JSON.parse(await server.cli('queue', 'top', '--json')).waiting).toContainEqual(
      expect.objectContaining({ tenant: '1', lane: 'ingest', paused: true }),
    )
    await server.cli('queue', 'resume', '--project', '1')
    await expect.poll(async () => (await inspected()).waiting, { timeout: 30_000 }).toEqual([])
    expect(await server.cli('queue', 'redrive', '--project', '1', '--reason', 'nothing')).toContain(
      '0 dead jobs',
    )
    expect(await server.cli('sending', 'try-now', '--project', '1')).toContain('No mail waits')
    expect(JSON.parse(await server.cli('sending', 'try-now', '--project', '1', '--json'))).toEqual({
      count: 0,
    })
  })

  it('lists projects, and makes, lists and revokes keys', async () => {
    const { projects } = JSON.parse(await server.cli('project', 'list', '--json'))
    expect(projects).toContainEqual({ id: 1, name: 'My project', mode: 'test' })
    expect(await server.cli('project', 'list')).toContain('My project')

    const key = JSON.parse(
      await server.cli('key', 'create', '--project', '1', '--kind', 'secret', '--name', 'By hand', '--json'),
    )
    const settings = () =>
      fetch(`${server.url}/api/v1/projects/1/settings`, { headers: { authorization: `Bearer ${key.key}` } })
    expect((await settings()).status).toBe(200)
    const listed = await server.cli('key', 'list', '--project', '1')
    expect(listed).toContain('By hand')
    expect(listed).not.toContain(key.key)

    expect(await server.cli('key', 'revoke', String(key.id), '--project', '1')).toContain('is revoked')
    const { keys } = JSON.parse(await server.cli('key', 'list', '--project', '1', '--json'))
    expect(keys).toContainEqual(expect.objectContaining({ id: key.id, revokedAt: expect.any(String) }))
    await expect.poll(async () => (await settings()).status, { timeout: 30_000 }).toBe(401)
  })

  it.each([
    ['queue', 'inspect', '77'],
    ['queue', 'inspect', 'My project'],
    ['queue', 'limits', '77', '--weight', '2'],
    ['queue', 'pause', '--project', '77'],
    ['queue', 'resume', '--project', '1e9'],
    ['queue', 'redrive', '--project', '77'],
    ['queue', 'discard', '--project', '99999999999999'],
    ['key', 'list', '--project', '77'],
    ['key', 'create', '--project', '77', '--kind', 'tracking'],
    ['suppression', 'list', '--project', '77'],
    ['export', 'people', '--project', '77'],
    ['import', 'status', '1', '--project', '1.5'],
  ])('says that there is no such project: %s %s %s %s', async (...args) => {
    const failure = (await server.cli(...args).catch((error: unknown) => error)) as CliFailure
    expect(failure.code).toBe(2)
    expect(failure.stderr).toMatch(
      /^There is no project ".*": `npx fairway project list` shows their ids\.$/m,
    )
  })

  it('says that there is no such key', async () => {
    const failure = (await server
      .cli('key', 'revoke', '99', '--project', '1')
      .catch((error: unknown) => error)) as CliFailure
    expect(failure.code).toBe(2)
    expect(failure.stderr).toContain('Project 1 has no key 99')
  })

  it('lists suppressed addresses, adds and removes them', async () => {
    const suppression = (...args: string[]) => server.cli('suppression', ...args, '--project', '1')
    expect(await suppression('list')).toContain('no such suppressed addresses')
    expect(await suppression('add', 'Ann@Müller.example', '--reason', 'asked by phone')).toBe(
      'ann@xn--mller-kva.example is suppressed: nothing is sent there.\n',
    )
    expect(await suppression('add', 'ann@müller.example')).toContain('was suppressed already')
    expect(JSON.parse(await suppression('add', 'bo@x.example', '--json'))).toMatchObject({
      added: true,
      suppression: { address: 'bo@x.example', reason: 'manual' },
    })
    expect(await suppression('list', '--search', 'MÜLLER.example')).toMatch(
      /^ann@xn--mller-kva\.example +asked by phone +\d{4}-\d\d-\d\d$/m,
    )
    expect(JSON.parse(await suppression('list', '--limit', '1', '--json'))).toMatchObject({
      suppressions: [{ address: 'bo@x.example' }],
      more: true,
    })
    expect(await suppression('remove', 'ANN@müller.example')).toContain('may be sent to again')
    for (const args of [
      ['remove', 'ann@müller.example'],
      ['add', 'nobody'],
    ]) {
      const failure = (await suppression(...args).catch((error: unknown) => error)) as CliFailure
      expect(failure.code).toBe(2)
      expect(failure.stderr).toMatch(/does not suppress|it has no @/)
    }
    expect(await server.cli('suppression', 'add', '--help')).toContain('--reason <text>')
  })

  it('finds the installation from a folder below', () => {
    const name = basename(server.dataDir)
    const above = dirname(server.dataDir)
    expect(findDataDir(server.dataDir)).toBe(server.dataDir)
    expect(findDataDir(join(above, 'some', 'folder', name))).toBe(server.dataDir)
    expect(findDataDir(join(above, 'another-name'))).toBeUndefined()
  })

  it('prints a link that signs in', async () => {
    const link = (await server.cli('sign-in-link')).trim()
    const reply = await fetch(link, { redirect: 'manual' })
    expect(reply.status).toBe(303)
    expect(reply.headers.get('set-cookie')).toContain('fairway')
  })

  it('prints a link to where the server answers, whatever port the command was given', async () => {
    const link = await runCli(['sign-in-link'], { FAIRWAY_DATA_DIR: server.dataDir })
    expect(new URL(link).port).toBe(new URL(server.url).port)
  })

  it('makes an account for an address only when it is told to, a member unless told otherwise', async () => {
    const failure = (...args: string[]) =>
      server.cli('sign-in-link', ...args).then(
        () => 'it went well',
        ({ code, stderr }: CliFailure) => `${code}: ${stderr}`,
      )
    expect(await failure('--email', 'ann@example.com')).toMatch(
      /^2: Nobody has the address ann@example\.com\..*--create/,
    )
    expect(await failure('--email', 'ann@example.com', '--role', 'admin')).toMatch(/^2: .*--create/)
    expect(await failure('--create')).toMatch(/^2: .*--email ADDRESS/)
    const made = await server.cli('sign-in-link', '--email', 'ann@example.com', '--create', '--json')
    expect(JSON.parse(made)).toMatchObject({ email: 'ann@example.com', created: true })
    const again = await server.cli('sign-in-link', '--email', 'ann@example.com', '--json')
    expect(JSON.parse(again)).toMatchObject({ created: false })
  })
})

describe('stopping', () => {
  it('ends with 0 and leaves nothing running; commands then work without a server', async () => {
    expect(await server.stop('SIGINT')).toBe(0)
    expect(JSON.parse(await server.cli('queue', 'stats', '--json'))).toEqual({ lanes: expect.any(Array) })
    await server.restart()
    expect(await server.stop('SIGTERM')).toBe(0)
    expect(server.stderr.match(/earlier Fairway left running/g)).toHaveLength(1)
  })
})

describe('a command where there is no Fairway yet', () => {
  const dataDir = createDataDir()
  afterAll(() => removeDataDir(dataDir))

  it('says that it made a new one, if it may', async () => {
    const { stdout, stderr } = await runCliFully(['project', 'create', 'Shop'], { FAIRWAY_DATA_DIR: dataDir })
    expect(stdout).toContain('Tracking key')
    expect(stderr).toContain(`There was no Fairway in ${dataDir}, so a new one was made`)
    expect((await runCliFully(['queue', 'stats'], { FAIRWAY_DATA_DIR: dataDir })).stderr).toBe('')
  })
})

describe('stopping with a request that never ends', () => {
  it('waits for it within the grace, kills nothing, and says that it stopped; also when the terminal is closed', async () => {
    await server.restart()
    const { port, hostname } = new URL(server.url)
    const half = connect(Number(port), hostname)
    half.on('error', () => {})
    await once(half, 'connect')
    half.write('POST /api/v2/events/track HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{')
    const from = server.stderr.length
    expect(await server.stop('SIGHUP')).toBe(0)
    const told = server.stderr.slice(from)
    expect(told).toContain('"msg":"stopped"')
    expect(told).not.toContain('did not stop within')
    half.destroy()
  })
})

describe('what the operator can correct ends with 2 and a sentence', () => {
  const dataDir = createDataDir()
  afterAll(() => removeDataDir(dataDir))
  const failure = async (args: string[], env: Record<string, string>) => {
    const error = await runCli(args, { FAIRWAY_DATA_DIR: dataDir, ...env }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(CliFailure)
    const { code, stderr } = error as CliFailure
    expect(stderr).not.toContain('    at ')
    return { code, stderr }
  }

  it.each([
    [['start'], { FAIRWAY_PORT: 'abc' }, /FAIRWAY_PORT must be a whole number from 0 to 65535, not "abc"/],
    [
      ['start'],
      { DATABASE_URL: 'postgresql://u:hidden@127.0.0.1:1/x' },
      /127\.0\.0\.1:1\/x: nothing listens there.*DATABASE_URL/s,
    ],
    [['start'], { FAIRWAY_SECRET: 'short' }, /FAIRWAY_SECRET must be at least 32 characters/],
    // No one may make a directory there, not even root.
    [
      ['start'],
      { FAIRWAY_DATA_DIR: '/dev/null/data' },
      /\/dev\/null\/data can't be used: .*FAIRWAY_DATA_DIR/,
    ],
    [['project', 'create', 'x'], { FAIRWAY_DATA_DIR: '/dev/null/data' }, /can't be used: .*FAIRWAY_DATA_DIR/],
    [['bogus'], {}, /unknown command/],
    [['queue', 'limits', '1', '--rate', 'fast'], {}, /must be a number above 0/],
    [['queue', 'pause'], {}, /Name either --project or --lane/],
    [['queue', 'discard'], {}, /Say which dead jobs/],
    [['project', 'create'], {}, /missing required argument/],
    [['queue', 'stats'], {}, /There is no Fairway in \/.*FAIRWAY_DATA_DIR or DATABASE_URL/],
    [['queue', 'pause', '--project', '1'], {}, /There is no Fairway in/],
    [['sign-in-link'], {}, /There is no Fairway in/],
    [['export', 'people', '--project', '1'], {}, /There is no Fairway in/],
    [['import', 'status', '1', '--project', '1'], {}, /There is no Fairway in/],
  ])('%s with %o', async (args, env, message) => {
    const { code, stderr } = await failure(args, env)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hidden')
    expect(readdirSync(dataDir)).toEqual([])
  })

  it('says which port is taken', async () => {
    const other = await startServerProcess()
    try {
      const port = new URL(other.url).port
      const { code, stderr } = await failure(['start'], { FAIRWAY_PORT: port })
      expect(code).toBe(2)
      expect(stderr).toContain(`port ${port} is taken by another program`)
    } finally {
      await other.dispose()
    }
  })
})

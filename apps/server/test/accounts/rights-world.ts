import { randomUUID } from 'node:crypto'
import type { Job, JobContext } from '@fairway/queue'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { until } from '../../../../testing/until.ts'
import { createKey } from '../../src/accounts/keys.ts'
import { type CreatedProject, createProject } from '../../src/accounts/projects.ts'
import { messageToken } from '../../src/messaging/messages/links.ts'
import { loadTask } from '../../src/platform/tasks/task.ts'
import { workTask } from '../../src/platform/tasks/work.ts'
import { taskKinds } from '../../src/task-kinds.ts'
import { addMessages, addPerson, plainMail } from '../messaging/messages/support.ts'
import { bury } from '../operations/queue/support.ts'
import { type ConsoleClient, signIn } from './console-client.ts'

export interface Tenant extends CreatedProject {
  id: number
  organizationId: string
  /** In the name of everything that belongs to it: where another tenant reads it, it has leaked. */
  mark: string
}

/** Two organizations with a project each, in one server without workers, and everybody who may call it. */
export interface World {
  server: TestServer
  ours: Tenant
  theirs: Tenant
  /** Signed in: of our organization by role, of no organization, and the owner of theirs. */
  sessions: Record<'owner' | 'admin' | 'member' | 'orphan' | 'stranger', ConsoleClient>
  tick(ms: number): void
}

export async function startWorld(): Promise<World> {
  let clock = Date.now()
  const server = await startTestServer({
    config: { role: 'api', allowPrivateNetworks: true },
    now: () => new Date(clock),
  })
  const { app, url } = server
  await app.pool.query(
    `insert into organizations (id, name, slug) values ('elsewhere', 'Elsewhere', 'elsewhere')`,
  )
  const owner = await signIn(app, url)
  const [first] = (
    await app.pool.query<{ id: string }>('select id from organizations order by "createdAt", id')
  ).rows
  const tenant = async (mark: string, organizationId: string): Promise<Tenant> => {
    const made = await createProject(app, { name: `Project ${mark}`, organizationId })
    return { ...made, id: made.project.id, organizationId, mark }
  }
  const withRole = async (name: string, change: string) => {
    const client = await signIn(app, url, `${name}@example.com`)
    await app.pool.query(
      `${change} where "userId" = (select id from users where email = '${name}@example.com')`,
    )
    return client
  }
  return {
    server,
    ours: await tenant('heron', first!.id),
    theirs: await tenant('zebra', 'elsewhere'),
    sessions: {
      owner,
      admin: await signIn(app, url, 'admin@example.com'),
      member: await withRole('member', `update members set role = 'member'`),
      orphan: await withRole('orphan', 'delete from members'),
      stranger: await withRole(
        'stranger',
        `update members set role = 'owner', "organizationId" = 'elsewhere'`,
      ),
    },
    tick: (ms) => {
      clock += ms
    },
  }
}

/** Makes new things of a tenant, and answers their ids. */
export interface Maker {
  tenant: Tenant
  person(): Promise<number>
  message(state?: string): Promise<string>
  mail(): Promise<number>
  template(): Promise<number>
  segment(): Promise<number>
  manualSegment(): Promise<number>
  campaign(): Promise<number>
  import(state: 'uploading' | 'ready' | 'done' | 'running' | 'undoing'): Promise<number>
  task(kind: 'import' | 'undo' | 'export' | 'erase' | 'tag'): Promise<number>
  export(): Promise<number>
  source(): Promise<number>
  provider(): Promise<number>
  domain(): Promise<string>
  key(): Promise<number>
  deadLetter(): Promise<string>
  organization(): Promise<string>
  /** A project more in the same organization, to be deleted. */
  project(): Promise<number>
  suppression(): Promise<string>
  link(purpose: 'unsubscribe' | 'view'): Promise<string>
}

export type IdKind = Exclude<keyof Maker, 'tenant'>

let count = 0

export function makerOf({ server }: World, tenant: Tenant): Maker {
  const { app, url } = server
  const { id: project, mark } = tenant
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  const call = async (method: string, path: string, body?: unknown): Promise<any> => {
    const isFile = typeof body === 'string'
    const response = await fetch(`${url}/api/v1/projects/${project}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${tenant.secretKey}`,
        ...(body === undefined
          ? {}
          : { 'content-type': isFile ? 'application/octet-stream' : 'application/json' }),
      },
      body: isFile || body === undefined ? (body as string | undefined) : JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text && JSON.parse(text)
  }
  const name = () => `${mark} ${++count}`
  const work = async (task: number) => {
    for (;;) {
      const { state } = (await loadTask(app.pool, project, task))!
      if (state !== 'waiting' && state !== 'running') return
      const job = { tenant: String(project), data: { task }, attempt: 8 } as unknown as Job
      await workTask(app, taskKinds)(job, { signal: new AbortController().signal } as JobContext)
    }
  }
  const maker: Maker = {
    tenant,
    person: () => {
      const id = `${mark}-${++count}`
      return addPerson(app, project, { id, email: `${id}@example.com` })
    },
    async suppression() {
      const address = `${mark}-${++count}@suppressed.example`
      await call('POST', '/suppressions', { address })
      return address
    },
    async message(state = 'pending') {
      const input = plainMail({ subject: name() })
      const [id] = await addMessages(app, project, [
        { personId: await maker.person(), recipient: `${mark}@example.com`, input: input as never },
      ])
      await app.pool.query('update messages set state = $3 where project_id = $1 and id = $2', [
        project,
        id,
        state,
      ])
      return id!
    },
    async mail() {
      const { rows } = await app.pool.query<{ id: number }>(
        `insert into mailbox (project_id, message_id, envelope_from, envelope_to, subject, source)
         values ($1, $2, 'a@example.com', '{b@example.com}', $3, $4) returning id`,
        [
          project,
          randomUUID(),
          name(),
          Buffer.from(`Subject: ${mark}\r\nContent-Type: text/html\r\n\r\n<p>${mark}`),
        ],
      )
      return rows[0]!.id
    },
    template: async () =>
      (await call('POST', '/templates', { name: name(), subject: mark, html: `<p>${mark}` })).id,
    segment: async () => {
      const { id, task } = await call('POST', '/segments', { name: name(), conditions: { tag: mark } })
      if (task) await work(task.id ?? task)
      return id
    },
    manualSegment: async () => (await call('POST', '/segments', { name: name(), manual: true })).id,
    campaign: async () =>
      (
        await call('POST', '/campaigns', {
          name: name(),
          triggerEvent: mark,
          wait: { kind: 'immediately' },
          templateId: await maker.template(),
        })
      ).id,
    async import(state) {
      // Few may be open at a time; those of before have been looked at.
      await app.pool.query(`update imports set state = 'failed' where project_id = $1 and state <> 'done'`, [
        project,
      ])
      const { id } = await call('POST', '/imports', { kind: 'people', name: name() })
      if (state === 'uploading') return id
      await call('PUT', `/imports/${id}/file?last=true`, `id,email\n${mark}-${++count},${mark}@example.com\n`)
      await until(async () => (await call('GET', `/imports/${id}`)).state === 'ready')
      if (state === 'ready') return id
      const { task } = await call('POST', `/imports/${id}/start`, {})
      if (state === 'running') return id
      await work(task.id)
      if (state === 'undoing') await call('POST', `/imports/${id}/undo`)
      return id
    },
    async task(kind) {
      if (kind === 'import' || kind === 'undo') {
        const id = await maker.import(kind === 'import' ? 'running' : 'undoing')
        return (await call('GET', `/imports/${id}`)).task.id
      }
      if (kind === 'export')
        return (await call('POST', '/exports', { kind: 'people', format: 'csv' })).task.id
      const action = kind === 'erase' ? { kind } : { kind: 'add_tag', tag: mark }
      return (await call('POST', '/people/bulk', { people: { ids: [await maker.person()] }, action })).id
    },
    async export() {
      await maker.person()
      const { id, task } = await call('POST', '/exports', { kind: 'people', format: 'csv' })
      await work(task.id)
      return id
    },
    source: async () =>
      (
        await call('POST', '/sources', {
          name: name(),
          kind: 'postgres',
          url: `postgres://${mark}:secret@127.0.0.1:1/${mark}`,
          query: `select '${mark}'`,
          import: { kind: 'people' },
        })
      ).id,
    provider: async () =>
      (
        await call('POST', '/providers', {
          name: name(),
          config: { host: '127.0.0.1', port: 1, secure: false },
        })
      ).id,
    domain: async () => (await call('POST', '/domains', { domain: `${mark}${++count}.example` })).domain,
    key: async () => (await createKey(app, project, { kind: 'tracking', name: name() })).id,
    async deadLetter() {
      const reason = name()
      await bury(server, [{ project, lane: 'bulk', name: 'deliver', data: reason }])
      const { items } = await call('GET', `/queue/dead-letters?reason=${encodeURIComponent(reason)}`)
      return items[0].ref
    },
    organization: async () => tenant.organizationId,
    project: async () =>
      (await createProject(app, { name: name(), organizationId: tenant.organizationId })).project.id,
    link: async (purpose) => messageToken(app, purpose, project, await maker.message('sent')),
  }
  return maker
}

/** Everything that a tenant has, by table, for comparing. When a key was last used is not what others change. */
export async function snapshot({ server: { app } }: World, { id }: Tenant): Promise<Map<string, string>> {
  const { rows: tables } = await app.pool.query<{ name: string; column: string }>(
    `select c.oid::regclass::text as name, a.attname as column
     from pg_attribute a join pg_class c on c.oid = a.attrelid
     where a.attname in ('project_id', 'tenant') and not a.attisdropped and c.relkind = 'r'
       and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
       -- The queue moves what becomes due by itself.
       and c.relname not in ('pages', 'heads', 'scheduled')`,
  )
  const parts = tables.map(
    ({ name, column }) =>
      `select '${name}' as name, md5(string_agg(row, ',' order by row)) as content from
         (select (to_jsonb(t) - 'last_used_at')::text as row from ${name} t where ${column}::text = '${id}') r`,
  )
  const { rows } = await app.pool.query<{ name: string; content: string }>(parts.join(' union all '))
  return new Map(rows.map(({ name, content }) => [name, content]))
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DescribeTableCommand, DescribeTimeToLiveCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../testing/postgres.ts'
import { documents, nameOf, root, type Snippet, snippetsOf } from '../../../testing/snippets/markdown.ts'
import { runSource, runTypeScript } from '../../../testing/snippets/run.ts'
import { dynamodbStore } from '../src/dynamodb.ts'
import { describeOnDynamodb, endpoint, freshTable } from './stores/dynamodb/harness.ts'

/**
 * Every block of code in the package's README and docs/ does what it says, taken from the text itself, and every example runs.
 * The blocks of one document are one program, as its reader would put them together.
 */

interface Program {
  /** What the document takes for granted. */
  before: string
  /** What shows that its blocks did what they say; it ends the program. */
  after: string
  printed: string[]
}

const wait = 'await new Promise((resolve) => setTimeout(resolve, 20))'

const onPostgres: Record<string, Program> = {
  'packages/queue/README.md': {
    before: "const [lane, tenant, name, data] = ['urgent', 'acme', 'one', { n: 1 }]",
    after: `
let ended = 0
worker.on('completed', () => ended++)
worker.on('retried', (job, error) => console.log('retried', job.name, job.data, String(error)))
await queue.add({ lane, tenant, name, data })
await queue.addMany([1, 2, 3].map((data) => ({ lane: 'bulk', tenant, name: 'many', data })))
// The first job of a batch is retried again and again; the others are done.
while (ended < 3) ${wait}
console.log('schedules', (await queue.schedules()).map(({ id }) => id).sort())
await worker.close({ graceMs: 0 })
await queue.close()`,
    printed: ["to acme: { to: 'ada@example.com' }", 'retried many 1', "schedules [ 'report', 'tick' ]"],
  },
}

const onDynamodb: Record<string, Program> = {
  'packages/queue/docs/dynamodb.md': {
    before: '',
    after: `
const { id } = await queue.add({ lane: 'mail', tenant: 'acme', name: 'send', data: null, id: 'a' })
console.log('added', id)
await queue.close()`,
    printed: ['added a'],
  },
  'packages/queue/docs/moving.md': {
    before: 'const connectionString = process.env.DATABASE_URL!',
    after: `
for (let place; place?.phase !== 'steady'; ${wait}) place = await store.moveProgress()
console.log('now in', (await store.moveProgress()).source)
await queue.close()`,
    printed: ['now in dynamodb'],
  },
}

const all = documents('packages/queue/')
  .flatMap(snippetsOf)
  .filter(({ language }) => language)
const isExcepted = ({ note }: Snippet) => note?.startsWith('not run, ')
const blocks = (file: string, language: string) =>
  all.filter((snippet) => snippet.file === file && snippet.language === language && !isExcepted(snippet))
const dynamodbDocument = 'packages/queue/docs/dynamodb.md'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ migrate: false })
})
afterAll(() => database?.drop())

async function run(file: string, { before, after, printed }: Program, environment: Record<string, string>) {
  const text = [before, ...blocks(file, 'ts').map(({ text }) => text), after].join('\n')
  const output = await runTypeScript(text.replaceAll('postgresql://localhost/mine', database.url), {
    DATABASE_URL: database.url,
    ...environment,
  })
  for (const part of printed) expect(output).toContain(part)
}

it('no block of code is left out', () => {
  const known = (snippet: Snippet) =>
    isExcepted(snippet) ||
    (snippet.language === 'ts' && (snippet.file in onPostgres || snippet.file in onDynamodb)) ||
    (snippet.file === dynamodbDocument && ['hcl', 'json'].includes(snippet.language))
  expect(all.length).toBeGreaterThan(0)
  expect(all.filter((snippet) => !known(snippet)).map(nameOf)).toEqual([])
})

it.each(Object.entries(onPostgres))('%s', (file, program) => run(file, program, {}))

describeOnDynamodb('with DynamoDB', () => {
  it.each(Object.entries(onDynamodb))('%s', (file, program) =>
    run(file, program, {
      AWS_ENDPOINT_URL_DYNAMODB: endpoint(),
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'eu-central-1',
    }),
  )

  it('the table for Terraform is the one that migrate() makes', async () => {
    const [hcl] = blocks(dynamodbDocument, 'hcl')
    const table = freshTable()
    const client = new DynamoDBClient({
      endpoint: endpoint(),
      region: 'local',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    const store = dynamodbStore({ table, client })
    await store.migrate()
    await store.close()
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
    const ttl = await client.send(new DescribeTimeToLiveCommand({ TableName: table }))
    client.destroy()
    const written = (name: string) =>
      [...hcl!.text.matchAll(new RegExp(`^ *${name} *= *"?(\\w+)"?$`, 'gm'))].map(([, value]) => value)
    expect(written('billing_mode')).toEqual([Table!.BillingModeSummary!.BillingMode])
    expect([...written('hash_key'), ...written('range_key')]).toEqual(
      Table!.KeySchema!.map(({ AttributeName }) => AttributeName),
    )
    expect(written('type')).toEqual(Table!.AttributeDefinitions!.map(({ AttributeType }) => AttributeType))
    expect(written('attribute_name')).toEqual([ttl.TimeToLiveDescription!.AttributeName])
  })
})

it('the policy for DynamoDB allows what the store calls, and no more', () => {
  const [policy] = blocks(dynamodbDocument, 'json')
  const allowed = (JSON.parse(policy!.text) as { Statement: { Action: string[] }[] }).Statement.flatMap(
    ({ Action }) => Action,
  )
  const folder = join(root, 'packages/queue/src/stores/dynamodb')
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
  const called = sources.flatMap((text) => [...text.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name!))
  // A transaction needs the rights of what is in it.
  const needed = new Set(called.filter((name) => name !== 'TransactWriteItems'))
  expect(allowed.map((action) => action.replace('dynamodb:', '')).sort()).toEqual([...needed].sort())
})

describe('examples', () => {
  const files = readdirSync(join(root, 'packages/queue/examples'))

  it.each(files)('%s, in memory', async (file) => {
    expect(await runSource(`packages/queue/examples/${file}`, { DATABASE_URL: '' })).not.toBe('')
  })

  it.each(files)('%s, on PostgreSQL', async (file) => {
    expect(await runSource(`packages/queue/examples/${file}`, { DATABASE_URL: database.url })).not.toBe('')
  })
})

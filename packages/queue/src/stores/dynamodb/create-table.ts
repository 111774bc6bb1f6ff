import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { pause, retrying } from './client/retrying.ts'
import type { Table } from './client/table.ts'
import { keys } from './keys.ts'

/** How many shards a new table gets. More spread wider, and cost a little more for each small append. */
export const defaultShards = 16
const maxShards = 1_024
const format = 1
const readyWithinMs = 120_000

/** Makes the table unless it is there, and writes down into how many shards its tenants are spread. */
export async function createTable(table: Table, shards: number | undefined): Promise<void> {
  if (!(await exists(table))) await create(table)
  await enableTtl(table)
  await table.tryPut(
    { ...keys.meta(), format, shards: checkShards(shards ?? defaultShards) },
    { text: 'attribute_not_exists(pk)' },
  )
  await readShards(table, shards)
}

/** The number of shards says where everything is, so that it never changes. */
export async function readShards(table: Table, wanted: number | undefined): Promise<number> {
  const meta = await table.get(keys.meta())
  if (!meta) throw new Error(`The table ${table.name} is not set up for the queue: call migrate() once`)
  if (meta.format !== format)
    throw new Error(
      `The table ${table.name} has the format ${meta.format}, made by a newer version of the queue`,
    )
  const shards = Number(meta.shards)
  if (wanted !== undefined && wanted !== shards)
    throw new TypeError(
      `The table ${table.name} has ${shards} shards and cannot have ${wanted}; for another number move to a new table`,
    )
  return shards
}

function checkShards(shards: number): number {
  if (!Number.isInteger(shards) || shards < 1 || shards > maxShards)
    throw new TypeError(`shards must be a whole number from 1 to ${maxShards}`)
  return shards
}

async function exists(table: Table): Promise<boolean> {
  try {
    const { Table: description } = await table.client.send(
      new DescribeTableCommand({ TableName: table.name }),
    )
    if (description?.TableStatus !== 'ACTIVE' && description?.TableStatus !== 'UPDATING')
      await untilActive(table)
    return true
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false
    // A role that may not describe the table may still use it.
    if (isDenied(error)) return true
    throw error
  }
}

async function create(table: Table): Promise<void> {
  try {
    await table.client.send(
      new CreateTableCommand({
        TableName: table.name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    )
  } catch (error) {
    // Another process was faster.
    if (!(error instanceof ResourceInUseException)) throw error
  }
  await untilActive(table)
}

async function untilActive(table: Table): Promise<void> {
  const giveUpAt = performance.now() + readyWithinMs
  for (;;) {
    const { Table: description } = await retrying(() =>
      table.client.send(new DescribeTableCommand({ TableName: table.name })),
    )
    if (description?.TableStatus === 'ACTIVE') return
    if (performance.now() > giveUpAt) throw new Error(`The table ${table.name} does not become active`)
    await pause(500)
  }
}

async function enableTtl(table: Table): Promise<void> {
  try {
    const { TimeToLiveDescription } = await table.client.send(
      new DescribeTimeToLiveCommand({ TableName: table.name }),
    )
    const status = TimeToLiveDescription?.TimeToLiveStatus
    if (status === 'ENABLED' || status === 'ENABLING') return
    await table.client.send(
      new UpdateTimeToLiveCommand({
        TableName: table.name,
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      }),
    )
  } catch (error) {
    // Another process enabled it in between; or the role may not, and whoever made the table has.
    if ((error as Error).name !== 'ValidationException' && !isDenied(error)) throw error
  }
}

const isDenied = (error: unknown): boolean => (error as Error).name === 'AccessDeniedException'

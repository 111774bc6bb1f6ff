import { randomUUID } from 'node:crypto'
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { RequestMeter } from './request-meter.ts'
import { LeftUndone, retrying } from './retrying.ts'
import {
  fromAttributes,
  type Key,
  type Row,
  readUnits,
  sizeOf,
  toAttributes,
  type Value,
  writeUnits,
} from './rows.ts'
import type { StoreClock } from './store-clock.ts'

/** A condition or an update, in DynamoDB's expression language. Names that are reserved words are written `#name`. */
export interface Expression {
  text: string
  values?: Record<string, Value>
}

/** How a conditional write ended; what stood in its way, if anything did. */
export type Written<T = undefined> = { ok: true; row: T } | { ok: false; row: Row | undefined }

export interface Range {
  pk: string
  /** Sort keys that begin so … */
  prefix?: string
  /** … or that lie between these, both included. */
  between?: [string, string]
  /** Only those after this sort key (before it, backwards). */
  after?: string
  /** Items to read at most; default: all. */
  limit?: number
  backwards?: boolean
  consistent?: boolean
}

export type TransactPart =
  | { put: Row; when?: Expression }
  | { delete: Key; when?: Expression }
  | { update: Key; expression: Expression; when?: Expression }

/** The DynamoDB table: its requests with plain values, retried, metered, and listened to for the time of day. */
export class Table {
  readonly name: string
  readonly meter = new RequestMeter()
  readonly #client: DynamoDBClient
  readonly #owned: boolean
  readonly #middleware: string

  constructor(client: DynamoDBClient, name: string, clock: StoreClock, owned: boolean) {
    this.#client = client
    this.name = name
    this.#owned = owned
    this.#middleware = `fairwayQueueClock-${name}-${Math.random().toString(36).slice(2)}`
    client.middlewareStack.add(
      (next) => async (args) => {
        const sentAt = performance.now()
        const result = await next(args)
        const { headers } = result.response as { headers?: Record<string, string> }
        clock.observe(headers?.date ?? headers?.Date, sentAt, performance.now())
        return result
      },
      { step: 'deserialize', priority: 'low', name: this.#middleware },
    )
  }

  get client(): DynamoDBClient {
    return this.#client
  }

  close(): void {
    if (this.#owned) this.#client.destroy()
    else this.#client.middlewareStack.remove(this.#middleware)
  }

  async put(row: Row): Promise<void> {
    await this.#put(row)
  }

  /** Writes if the condition holds; otherwise tells what is there. */
  tryPut(row: Row, when: Expression): Promise<Written> {
    return this.#conditional(async () => {
      await this.#put(row, when)
      return undefined
    })
  }

  async #put(row: Row, when?: Expression): Promise<void> {
    const input = {
      TableName: this.name,
      Item: toAttributes(row),
      ReturnConsumedCapacity: 'TOTAL' as const,
      ...(when && {
        ConditionExpression: when.text,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      }),
      ...expressionNames(when),
      ...expressionValues(when),
    }
    const { ConsumedCapacity } = await retrying(() => this.#client.send(new PutItemCommand(input)))
    this.meter.addWrite(ConsumedCapacity?.CapacityUnits, writeUnits(sizeOf(row)))
  }

  /** Returns the item as it is afterwards. */
  async update(key: Key, change: Expression): Promise<Row> {
    const written = await this.tryUpdate(key, change)
    return (written as { row: Row }).row
  }

  tryUpdate({ pk, sk }: Key, change: Expression, when?: Expression): Promise<Written<Row>> {
    const input = {
      TableName: this.name,
      Key: toAttributes({ pk, sk }),
      UpdateExpression: change.text,
      ReturnValues: 'ALL_NEW' as const,
      ReturnConsumedCapacity: 'TOTAL' as const,
      ...(when && {
        ConditionExpression: when.text,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      }),
      ...expressionNames(change, when),
      ...expressionValues(change, when),
    }
    return this.#conditional(async () => {
      const { Attributes, ConsumedCapacity } = await retrying(() =>
        this.#client.send(new UpdateItemCommand(input)),
      )
      const row = fromAttributes(Attributes!)
      this.meter.addWrite(ConsumedCapacity?.CapacityUnits, writeUnits(sizeOf(row)))
      return row
    })
  }

  /** Returns what was deleted; undefined when nothing was there. */
  async delete(key: Key): Promise<Row | undefined> {
    const written = await this.tryDelete(key)
    return written.row
  }

  tryDelete({ pk, sk }: Key, when?: Expression): Promise<Written<Row | undefined>> {
    const input = {
      TableName: this.name,
      Key: toAttributes({ pk, sk }),
      ReturnValues: 'ALL_OLD' as const,
      ReturnConsumedCapacity: 'TOTAL' as const,
      ...(when && { ConditionExpression: when.text }),
      ...expressionNames(when),
      ...expressionValues(when),
    }
    return this.#conditional(async () => {
      const { Attributes, ConsumedCapacity } = await retrying(() =>
        this.#client.send(new DeleteItemCommand(input)),
      )
      const row = Attributes && fromAttributes(Attributes)
      this.meter.addWrite(ConsumedCapacity?.CapacityUnits, writeUnits(row ? sizeOf(row) : 0))
      return row
    })
  }

  async get({ pk, sk }: Key, { consistent = true } = {}): Promise<Row | undefined> {
    const input = {
      TableName: this.name,
      Key: toAttributes({ pk, sk }),
      ConsistentRead: consistent,
      ReturnConsumedCapacity: 'TOTAL' as const,
    }
    const { Item, ConsumedCapacity } = await retrying(() => this.#client.send(new GetItemCommand(input)))
    const row = Item && fromAttributes(Item)
    this.meter.addRead(ConsumedCapacity?.CapacityUnits, readUnits(row ? sizeOf(row) : 0, consistent))
    return row
  }

  /** Those of the items that exist, in no particular order. */
  async getMany(keys: Key[], { consistent = true } = {}): Promise<Row[]> {
    const batches = await Promise.all(
      inBatches(distinct(keys), 100).map((batch) => this.#getBatch(batch, consistent)),
    )
    return batches.flat()
  }

  async #getBatch(keys: Key[], consistent: boolean): Promise<Row[]> {
    const rows: Row[] = []
    let wanted = keys.map(({ pk, sk }) => toAttributes({ pk, sk }))
    await retrying(async () => {
      const answer = await this.#client.send(
        new BatchGetItemCommand({
          RequestItems: { [this.name]: { Keys: wanted, ConsistentRead: consistent } },
          ReturnConsumedCapacity: 'TOTAL',
        }),
      )
      const found = (answer.Responses?.[this.name] ?? []).map(fromAttributes)
      rows.push(...found)
      const computed = found.reduce((sum, row) => sum + readUnits(sizeOf(row), consistent), 0)
      this.meter.addRead(answer.ConsumedCapacity?.[0]?.CapacityUnits, computed)
      wanted = answer.UnprocessedKeys?.[this.name]?.Keys ?? []
      // An answer holds at most 16 MB: as long as something came there is no reason to pause.
      if (wanted.length > 0 && found.length > 0)
        rows.push(...(await this.#getBatch(wanted.map(keyOf), consistent)))
      else if (wanted.length > 0) throw new LeftUndone(wanted.length)
    })
    return rows
  }

  async query(range: Range): Promise<Row[]> {
    const rows: Row[] = []
    for await (const page of this.pages(range)) rows.push(...page)
    return rows
  }

  /** The items of a partition in order, a megabyte at a time. */
  async *pages({
    pk,
    prefix,
    between,
    after,
    limit,
    backwards = false,
    consistent = true,
  }: Range): AsyncGenerator<Row[]> {
    const condition = prefix ? ' and begins_with(sk, :sk)' : between ? ' and sk between :from and :to' : ''
    const values: Record<string, Value> = { ':pk': pk }
    if (prefix) values[':sk'] = prefix
    else if (between) [values[':from'], values[':to']] = between
    let start = after === undefined ? undefined : toAttributes({ pk, sk: after })
    let left = limit ?? Number.POSITIVE_INFINITY
    do {
      const input = {
        TableName: this.name,
        KeyConditionExpression: `pk = :pk${condition}`,
        ExpressionAttributeValues: toAttributes(values),
        ConsistentRead: consistent,
        ScanIndexForward: !backwards,
        ReturnConsumedCapacity: 'TOTAL' as const,
        ...(start && { ExclusiveStartKey: start }),
        ...(Number.isFinite(left) && { Limit: left }),
      }
      const answer = await retrying(() => this.#client.send(new QueryCommand(input)))
      const rows = (answer.Items ?? []).map(fromAttributes)
      const bytes = rows.reduce((sum, row) => sum + sizeOf(row), 0)
      this.meter.addRead(answer.ConsumedCapacity?.CapacityUnits, readUnits(bytes, consistent))
      left -= rows.length
      start = answer.LastEvaluatedKey
      if (rows.length > 0) yield rows
    } while (start && left > 0)
  }

  /** Unconditional writes of items that nothing else is stored under, in no particular order. */
  async putMany(rows: Row[]): Promise<void> {
    await this.#writeMany(
      rows.map((row) => ({ PutRequest: { Item: toAttributes(row) } })),
      rows,
    )
  }

  async deleteMany(all: Key[]): Promise<void> {
    const keys = distinct(all)
    await this.#writeMany(
      keys.map(({ pk, sk }) => ({ DeleteRequest: { Key: toAttributes({ pk, sk }) } })),
      keys,
    )
  }

  async #writeMany(requests: BatchWrite[], rows: { [name: string]: Value | undefined }[]): Promise<void> {
    // A batch holds at most 25 items and 16 MB.
    const computed = rows.map((row) => writeUnits(sizeOf(row)))
    await Promise.all(
      inBatches([...requests.keys()], 25).map(async (indexes) => {
        let wanted = indexes.map((index) => requests[index]!)
        await retrying(async () => {
          const answer = await this.#client.send(
            new BatchWriteItemCommand({
              RequestItems: { [this.name]: wanted },
              ReturnConsumedCapacity: 'TOTAL',
            }),
          )
          const units = indexes.reduce((sum, index) => sum + computed[index]!, 0)
          this.meter.addWrite(answer.ConsumedCapacity?.[0]?.CapacityUnits, units)
          wanted = (answer.UnprocessedItems?.[this.name] as BatchWrite[] | undefined) ?? []
          if (wanted.length > 0) throw new LeftUndone(wanted.length)
        })
      }),
    )
  }

  /** All or none, at twice the units. False: a condition did not hold. */
  async transact(parts: TransactPart[]): Promise<boolean> {
    const input = {
      TransactItems: parts.map((part) => this.#transactItem(part)),
      // An attempt whose answer was lost is not done again.
      ClientRequestToken: randomUUID(),
    }
    const bytes = parts.map((part) =>
      writeUnits(sizeOf('put' in part ? part.put : 'delete' in part ? part.delete : part.update)),
    )
    this.meter.addWrite(undefined, 2 * bytes.reduce((sum, units) => sum + units, 0))
    try {
      await retrying(() => this.#client.send(new TransactWriteItemsCommand(input)))
      return true
    } catch (error) {
      if (error instanceof TransactionCanceledException) return false
      throw error
    }
  }

  #transactItem(part: TransactPart): TransactWriteItem {
    const common = { TableName: this.name, ...(part.when && { ConditionExpression: part.when.text }) }
    if ('put' in part)
      return {
        Put: {
          ...common,
          Item: toAttributes(part.put),
          ...expressionNames(part.when),
          ...expressionValues(part.when),
        },
      }
    if ('delete' in part)
      return {
        Delete: {
          ...common,
          Key: toAttributes(part.delete),
          ...expressionNames(part.when),
          ...expressionValues(part.when),
        },
      }
    return {
      Update: {
        ...common,
        Key: toAttributes(part.update),
        UpdateExpression: part.expression.text,
        ...expressionNames(part.expression, part.when),
        ...expressionValues(part.expression, part.when),
      },
    }
  }

  async #conditional<T>(write: () => Promise<T>): Promise<Written<T>> {
    try {
      return { ok: true, row: await write() }
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
      const row = error.Item && fromAttributes(error.Item)
      // A refused write costs the units of the item that stood in its way.
      this.meter.addWrite(undefined, writeUnits(row ? sizeOf(row) : 0))
      return { ok: false, row }
    }
  }
}

type BatchWrite =
  | { PutRequest: { Item: ReturnType<typeof toAttributes> } }
  | { DeleteRequest: { Key: ReturnType<typeof toAttributes> } }

const keyOf = (key: ReturnType<typeof toAttributes>): Key => fromAttributes(key)

/** A batch must not name an item twice. */
const distinct = (keys: Key[]): Key[] => [
  ...new Map(keys.map((key) => [`${key.pk}\u0000${key.sk}`, key])).values(),
]

/** `#name` in an expression stands for the attribute `name`. */
function expressionNames(...expressions: (Expression | undefined)[]) {
  const names: Record<string, string> = {}
  for (const expression of expressions)
    for (const [placeholder] of expression?.text.matchAll(/#\w+/g) ?? [])
      names[placeholder] = placeholder.slice(1)
  return Object.keys(names).length > 0 ? { ExpressionAttributeNames: names } : {}
}

function expressionValues(...expressions: (Expression | undefined)[]) {
  const values = Object.assign({}, ...expressions.map((expression) => expression?.values))
  return Object.keys(values).length > 0 ? { ExpressionAttributeValues: toAttributes(values) } : {}
}

export function inBatches<T>(items: T[], size: number): T[][] {
  const batches: T[][] = []
  for (let start = 0; start < items.length; start += size) batches.push(items.slice(start, start + size))
  return batches
}

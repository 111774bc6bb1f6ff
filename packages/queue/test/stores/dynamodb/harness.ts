import { afterAll, beforeAll, describe } from 'vitest'
import { hasJava, type LocalDynamodb, startDynamodb } from '../../../../../testing/dynamodb.ts'
import {
  type DynamodbStore,
  type DynamodbStoreOptions,
  dynamodbStore,
} from '../../../src/stores/dynamodb/dynamodb-store.ts'
import type { Harness } from '../conformance.ts'

const java = await hasJava()
if (!java)
  console.warn('Tests on DynamoDB are skipped: DynamoDB Local needs a Java runtime, which is not installed')

let local: LocalDynamodb | undefined
let tables = 0

/** Tests on a DynamoDB Local of their own; skipped where there is no Java to run it. */
export function describeOnDynamodb(name: string, body: () => void): void {
  describe.skipIf(!java)(name, () => {
    beforeAll(async () => {
      local = await startDynamodb()
    })
    afterAll(() => local?.stop())
    body()
  })
}

export const endpoint = (): string => local!.endpoint
export const freshTable = (): string => `fairway-test-${process.pid}-${++tables}`

/** Far from the real time, so that a store which reads another clock than the one it was given is found out. */
const startOfTests = Date.now() + 100 * 86_400_000

export interface DynamodbHarness extends Harness {
  store: DynamodbStore
  table: string
  /** Another process, as far as the store can tell, on the same table and clock. */
  another(options?: Partial<DynamodbStoreOptions>): DynamodbStore
}

export async function openDynamodb(options: Partial<DynamodbStoreOptions> = {}): Promise<DynamodbHarness> {
  let offset = 0
  const common = { table: freshTable(), endpoint: endpoint(), now: () => startOfTests + offset, ...options }
  const store = dynamodbStore(common)
  const others: DynamodbStore[] = []
  await store.migrate()
  await store.migrate()
  return {
    store,
    table: common.table,
    another(more = {}) {
      const other = dynamodbStore({ ...common, ...more })
      others.push(other)
      return other
    },
    // Leases live by the monotonic clocks of whoever looks: a lease of less than nothing is over at once.
    expire: async (worker) => {
      await store.heartbeat(worker, -1)
    },
    advance: (ms) => {
      offset += ms
    },
    close: async () => {
      for (const other of others) await other.close()
      await store.close()
    },
  }
}

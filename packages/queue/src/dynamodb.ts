/** Apart from the main entry: who does not use DynamoDB does not load the AWS SDK (80 ms, 18 MB). */
export {
  type DynamodbStore,
  type DynamodbStoreOptions,
  dynamodbStore,
} from './stores/dynamodb/dynamodb-store.ts'

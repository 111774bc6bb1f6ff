import { hasJava, startDynamodb } from '../testing/dynamodb.ts'

const [argument = '8000'] = process.argv.slice(2)
const port = Number(argument)

try {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`"${argument}" is no port. Usage: npm run dynamodb -- [port]`)
  if (!(await hasJava())) throw new Error('DynamoDB Local needs a Java runtime: install one and try again')
  const local = await startDynamodb({ port })
  console.log(`DynamoDB Local runs at ${local.endpoint}, in memory. Ctrl-C ends it, and everything in it.

Use it in your program:
  import { dynamodbStore } from '@fairway/queue/dynamodb'
  dynamodbStore({ table: 'my-queue', endpoint: '${local.endpoint}' })`)
  const stop = () => void local.stop().then(() => process.exit(0))
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

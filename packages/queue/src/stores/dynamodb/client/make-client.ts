import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'

export interface Endpoint {
  /** For DynamoDB Local or a VPC endpoint; default: AWS's own of the region. */
  endpoint?: string
  /** Default: as the AWS SDK finds it (`AWS_REGION`, the profile). */
  region?: string
}

/**
 * A client that leaves retrying to the store, which bounds and meters it. Without credentials in the environment one for an
 * endpoint on this machine takes any: DynamoDB Local does not look at them.
 */
export function makeClient({ endpoint, region }: Endpoint): DynamoDBClient {
  const local = endpoint !== undefined && isLocal(endpoint)
  const config: DynamoDBClientConfig = {
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: 1_000,
      requestTimeout: 5_000,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    },
  }
  if (endpoint !== undefined) config.endpoint = endpoint
  const chosenRegion = region ?? (local ? (process.env.AWS_REGION ?? 'us-east-1') : undefined)
  if (chosenRegion !== undefined) config.region = chosenRegion
  if (local && !process.env.AWS_ACCESS_KEY_ID && !process.env.AWS_PROFILE)
    config.credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return new DynamoDBClient(config)
}

function isLocal(endpoint: string): boolean {
  const { hostname } = new URL(endpoint)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

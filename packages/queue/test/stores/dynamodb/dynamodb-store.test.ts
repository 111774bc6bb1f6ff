import { conformance } from '../conformance.ts'
import { describeOnDynamodb, openDynamodb } from './harness.ts'

describeOnDynamodb('on DynamoDB Local', () => conformance('dynamodb', () => openDynamodb()))

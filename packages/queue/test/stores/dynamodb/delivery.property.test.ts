import { deliveryProperty } from '../delivery-property.ts'
import { describeOnDynamodb, openDynamodb } from './harness.ts'

describeOnDynamodb('on DynamoDB Local', () => {
  deliveryProperty('dynamodb', () => openDynamodb(), { runs: 25, steps: 50 })
})

import { deliveryProperty } from './delivery-property.ts'
import { openMemory, openPostgres } from './harness.ts'

deliveryProperty('memory', openMemory, { runs: 300, steps: 120 })
deliveryProperty('postgres', openPostgres, { runs: 40, steps: 60 })

import { conformance } from '../conformance.ts'
import { openPostgres } from '../harness.ts'

conformance('postgres', openPostgres)

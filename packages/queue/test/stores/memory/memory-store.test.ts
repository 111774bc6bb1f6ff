import { conformance } from '../conformance.ts'
import { openMemory } from '../harness.ts'

conformance('memory', openMemory)

import { conformance } from '../conformance.ts'
import { openMovable } from './harness.ts'

conformance('movable, in postgres', () => openMovable('postgres'))
conformance('movable, in memory', () => openMovable('memory'))
